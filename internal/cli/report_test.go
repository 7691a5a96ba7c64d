package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/internal/operate/verify"
)

var rows = []verify.Row{
	{Phase: 1, Check: "network.vpc", Looked: "the VPC", Found: "vpc-1", Outcome: verify.Pass},
	{Phase: 1, Check: "network.subnets", Subject: "public", Looked: "subnets", Found: "1 subnets", Outcome: verify.Fail,
		Do: "pulumi up"},
	{Phase: 6, Check: "backups.dumps", Looked: "dumps", Found: "none yet", Outcome: verify.Later},
}

func TestReportIsATablePerPhase(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := verifyReport{Stack: "dev", Account: "123456789012", Region: "eu-central-1", Failed: 1, Rows: rows}
	if err := writeReport(&out, report); err != nil {
		t.Fatal(err)
	}
	want := `Stack dev in account 123456789012, eu-central-1

Phase 1  Network
  ok     the VPC          vpc-1
  FAIL   subnets: public  1 subnets
                          -> pulumi up

Phase 6  Backups
  later  dumps  none yet
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPassed(t *testing.T) {
	t.Parallel()
	all := []verify.Row{{Outcome: verify.Pass}, {Outcome: verify.Pass}, {Outcome: verify.Warn}, {Outcome: verify.Later}}
	for n, want := range map[int]string{
		2: "2 checks passed", 3: "2 checks passed, 1 with a warning", 4: "2 checks passed, 1 with a warning, 1 for later",
	} {
		if got := passed(all[:n]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The names of these fields are what scripts go by.
func TestReportForScripts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := &operator{Streams: command.NewStreams(nil, &out, io.Discard)}
	if err := o.printJSON(verifyReport{Stack: "dev", Rows: rows[1:2]}); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"stack": "dev", "account": "", "region": "", "ok": false, "failed": 0.0, "rows": []any{map[string]any{
			"phase": 1.0, "check": "network.subnets", "subject": "public", "looked": "subnets", "found": "1 subnets",
			"outcome": "fail", "do": "pulumi up",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatusTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	o := &operator{Streams: command.NewStreams(nil, &out, io.Discard)}
	err := o.writeStatus(statusReport{
		Stack: "dev", Account: "123456789012", Region: "eu-central-1", Instance: "i-1", PublicIP: "203.0.113.10",
		Host: contract.Status{
			At: now, Boot: now.Add(-50 * time.Hour), Docker: "29.1.3",
			Memory: contract.MemoryStatus{Total: 2 << 30, Available: 900 << 20, SwapTotal: 2 << 30, SwapFree: 2<<30 - 5<<20},
			Disks: []contract.DiskStatus{
				{Path: "/", Total: 16 << 30, Free: 9 << 30},
				{Path: "/a", Total: 16 << 30, Free: 2 << 30}, {Path: "/b", Total: 8, Free: 8, Inodes: 100, InodesFree: 20},
			},
			Connections: &contract.ConnectionStatus{Used: 12, Limit: 92},
			Services: []contract.ServiceStatus{
				{Name: "caddy", State: "running", Health: "healthy", Since: now.Add(-time.Hour), Restarts: 2}, {Name: "postgres"},
			},
			FailedAt: now.Add(-3 * time.Hour),
			Problems: []contract.Problem{
				{Error: "no swap\nno space"}, {App: "wiki", Error: "it exited before it answered", Lines: []string{"starting", "no database"}},
			},
			Apps: []contract.AppStatus{
				{ServiceStatus: contract.ServiceStatus{Name: "blog"}, Domain: "blog.example.com"},
				{
					ServiceStatus: contract.ServiceStatus{
						Name: "big", State: "running", Health: "healthy", Since: now.Add(-time.Hour), Restarts: 4, MemoryKills: 4,
						MemoryLimit: 256 << 20,
					},
					Domain: "big.example.com", Release: "v1", Wanted: "v2@sha256:0000",
				},
				{ServiceStatus: contract.ServiceStatus{Name: "wiki"}, Domain: "wiki.example.com", Wanted: "v3"},
				{
					ServiceStatus: contract.ServiceStatus{Name: "shop", State: "running", Health: "healthy", Since: now.Add(-90 * time.Second)},
					Domain:        "shop.example.com", Release: "v7@sha256:0000",
					Database:    &contract.DatabaseStatus{Used: 12, Limit: 46, Sockets: 40},
					Certificate: &contract.CertificateStatus{Issuer: "CN=R13,O=Let's Encrypt", NotAfter: now.Add(30 * 24 * time.Hour)},
				},
			},
		},
	}, "none yet")
	want := `Stack dev in account 123456789012, eu-central-1

Host          i-1, 203.0.113.10, up since 2026-01-29 10:00 UTC
Memory        900 MiB of 2.0 GiB available, 5 MiB of 2.0 GiB swap in use
Disk /        9.0 GiB of 16.0 GiB free
Disk /a       2.0 GiB of 16.0 GiB free, 88 % FULL
Disk /b       0 MiB of 0 MiB free, 80 % OF ITS INODES IN USE
Docker        29.1.3
caddy         running, healthy, for 1h, restarted 2 times
postgres      no container
Connections   12 of 92 to Postgres in use by the apps
Last backup   none yet

APP    DOMAIN             RELEASE         STATE                                                                                 CONNECTIONS              CERTIFICATE
blog   blog.example.com   -               not deployed yet                                                                      -                        none
big    big.example.com    v1, wanted v2   running, healthy, for 1h, restarted 4 times, killed for its memory limit of 256 MiB   -                        none
wiki   wiki.example.com   -, wanted v3    not running, see below                                                                -                        none
shop   shop.example.com   v7              running, healthy, for 1m30s                                                           12 of 46 (+ 28 silent)   until 2026-03-02 (30 days), R13

The last attempt to bring the host up to date failed 3h ago:
  host: no swap
    no space
  wiki: it exited before it answered
    | starting
    | no database
`
	if diff := cmp.Diff(want, out.String()); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	line := operate.LogLine{Time: time.Date(2026, 1, 31, 3, 15, 0, 5, time.UTC), Text: "hello <you>"}
	note := operate.LogLine{Text: "(older lines left out)"}
	for _, test := range []struct {
		json, times bool
		line        operate.LogLine
		want        string
	}{
		{false, false, line, "hello <you>\n"},
		{false, true, line, "2026-01-31T03:15:00.000000005Z hello <you>\n"},
		{false, true, note, "(older lines left out)\n"},
		{true, false, line, `{"time":"2026-01-31T03:15:00.000000005Z","text":"hello <you>"}` + "\n"},
		{true, false, note, `{"text":"(older lines left out)"}` + "\n"},
	} {
		var out bytes.Buffer
		o := &operator{Streams: command.NewStreams(nil, &out, io.Discard), json: test.json}
		if err := o.writeLine(test.line, test.times); err != nil || out.String() != test.want {
			t.Errorf("%v, %q, want %q", err, out.String(), test.want)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "10m": now.Add(-10 * time.Minute), "1h30m": now.Add(-90 * time.Minute), "2026-01-30T04:15:00+01:00": now.Add(-24 * time.Hour),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"-5m", "yesterday", "10"} {
		if _, err := parseSince(text, now); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
