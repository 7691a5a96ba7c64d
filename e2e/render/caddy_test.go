package render

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"webstack/contract"
)

// ports are the ports of a test's Caddy, all on 127.0.0.1.
type ports struct{ http, https, health int }

func freePorts(t testing.TB) ports {
	t.Helper()
	var p [3]int
	for i := range p {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		p[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports{p[0], p[1], p[2]}
}

// localise edits what is valid only inside Caddy's container: directories and ports. The rest stays as on a host. Each
// edit must find its text.
func (h *host) localise(t testing.TB, p ports, more ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(h.paths.Caddyfile())
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	own := "\tstorage file_system " + filepath.Join(h.dir, "data") + "\n"
	if p != (ports{}) {
		own += "\thttp_port " + strconv.Itoa(p.http) + "\n\thttps_port " + strconv.Itoa(p.https) + "\n" +
			"\tdefault_bind 127.0.0.1\n"
		more = append(more, ":2020", ":"+strconv.Itoa(p.health))
	}
	edits := append([]string{
		"\n{\n", "\n{\n" + own,
		"unix//data/admin.sock", "unix/" + h.adminSocket(),
		"/etc/caddy/", filepath.Dir(h.paths.Caddyfile()) + "/",
		"/data/maintenance", filepath.Join(h.dir, "maintenance"),
	}, more...)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the Caddyfile has no %q", edits[i])
		}
		text = strings.ReplaceAll(text, edits[i], edits[i+1])
	}
	return []byte(text)
}

func (h *host) adminSocket() string { return filepath.Join(h.dir, "admin.sock") }

// adapt turns a Caddyfile into Caddy's config. Warnings, such as that the file is badly formatted, fail the test.
func (h *host) adapt(t testing.TB, caddyfile []byte) []byte {
	t.Helper()
	config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(caddyfile,
		map[string]any{"filename": h.paths.Caddyfile()})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Errorf("%s:%d: %s", w.File, w.Line, w.Message)
	}
	return config
}

// Validating takes Caddy's global state, so the tests here do not run in parallel.
func TestCaddyfileIsValid(t *testing.T) {
	for name, s := range shapes() {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, s)
			for i, app := range h.apps {
				switch i % 3 {
				case 0:
					h.write(t, contract.SitesDir+"/"+app.Name, contract.UnreleasedSite())
				case 1:
					h.write(t, contract.SitesDir+"/"+app.Name, contract.MaintenanceSite(app.Name))
				}
			}
			validate(t, h.adapt(t, h.localise(t, ports{})))
		})
	}
	t.Run("own certificate", func(t *testing.T) {
		h := newHost(t, twoApps())
		h.ownCertificate(t, "shop", "shop.example.com")
		validate(t, h.adapt(t, h.localise(t, ports{})))
	})
}

func validate(t testing.TB, config []byte) {
	t.Helper()
	var c caddy.Config
	if err := json.Unmarshal(config, &c); err != nil {
		t.Fatal(err)
	}
	if err := caddy.Validate(&c); err != nil {
		t.Errorf("%v\n%s", err, config)
	}
}

func TestCaddyfileNeedsTheHostsFiles(t *testing.T) {
	h := newHost(t, twoApps())
	if err := os.Remove(filepath.Join(h.paths.AppTLS("shop"), contract.CertificateFile)); err != nil {
		t.Fatal(err)
	}
	_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(h.localise(t, ports{}),
		map[string]any{"filename": h.paths.Caddyfile()})
	if err == nil || !strings.Contains(err.Error(), "tls/shop") {
		t.Errorf("got error %v, want one that names the missing file", err)
	}
}

// tlsPolicy is the part of an automation policy that decides who issues a certificate and how.
type tlsPolicy struct {
	Subjects []string `json:"subjects"`
	Issuers  []struct {
		Module     string `json:"module"`
		CA         string `json:"ca"`
		Email      string `json:"email"`
		Challenges struct {
			TLSALPN struct {
				Disabled bool `json:"disabled"`
			} `json:"tls-alpn"`
		} `json:"challenges"`
	} `json:"issuers"`
	OnDemand bool `json:"on_demand"`
}

// policies adapts a stack's Caddyfile and returns the policy of each host name.
func policies(t testing.TB, s stack) map[string]tlsPolicy {
	t.Helper()
	h := newHost(t, s)
	var config struct {
		Apps struct {
			TLS struct {
				Automation struct {
					Policies []tlsPolicy `json:"policies"`
				} `json:"automation"`
			} `json:"tls"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(h.adapt(t, h.localise(t, ports{})), &config); err != nil {
		t.Fatal(err)
	}
	byName := map[string]tlsPolicy{}
	for _, p := range config.Apps.TLS.Automation.Policies {
		for _, subject := range p.Subjects {
			byName[subject] = p
		}
		if len(p.Subjects) == 0 {
			byName[""] = p
		}
	}
	return byName
}

func TestCertificateIssuers(t *testing.T) {
	const staging = "https://acme-staging-v02.api.letsencrypt.org/directory"
	for _, test := range []struct {
		name          string
		stack         stack
		domain        string
		module, ca    string
		alpnDisabled  bool
		wantsAccounts bool
	}{
		{"default", twoApps(), "shop.example.com", "acme", "", false, true},
		{"proxied", proxied(), "shop.example.com", "acme", "", true, true},
		{"beside a proxied one", proxied(), "example.com", "acme", "", false, true},
		{"alias", twoApps(), "www.example.com", "acme", "", false, true},
		{"staging", twoApps().with("acme", "staging"), "shop.example.com", "acme", staging, false, true},
		{"directory", twoApps().with("acme", "https://ca.example.net/d"), "shop.example.com", "acme",
			"https://ca.example.net/d", false, true},
		{"internal", twoApps().with("acme", "internal"), "shop.example.com", "internal", "", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := policies(t, test.stack)
			p, ok := all[test.domain]
			if !ok {
				p = all[""]
			}
			if len(p.Issuers) != 1 {
				t.Fatalf("got %d issuers in %+v", len(p.Issuers), all)
			}
			got := p.Issuers[0]
			if got.Module != test.module || got.CA != test.ca || got.Challenges.TLSALPN.Disabled != test.alpnDisabled {
				t.Errorf("got %+v", got)
			}
			if test.wantsAccounts && got.Email != "ops@example.com" {
				t.Errorf("the account's address is %q", got.Email)
			}
			for name, p := range all {
				if p.OnDemand {
					t.Errorf("%q: certificates are issued for whatever name a stranger asks for", name)
				}
			}
		})
	}
}
