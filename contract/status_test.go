package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func statusOf(apps int) Status {
	now := time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)
	s := Status{Version: StatusVersion, At: now, Boot: now.Add(-time.Hour), Docker: "29.1.3", DataMounted: true}
	for i := range apps {
		s.Apps = append(s.Apps, AppStatus{
			ServiceStatus: ServiceStatus{Name: fmt.Sprintf("app%d", i), State: "running", Health: HealthHealthy, Since: now},
			Domain:        fmt.Sprintf("app%d.example.com", i), Release: fmt.Sprintf("%040x", i*7919),
			Certificate: &CertificateStatus{Issuer: "CN=R3", NotAfter: now.Add(time.Hour)},
		})
	}
	return s
}

func TestStatusFitsIntoAnOutput(t *testing.T) {
	t.Parallel()
	for _, apps := range []int{0, 2, 200, 540} {
		want := statusOf(apps)
		text := want.Encode()
		if len(text) > MaxOutput {
			t.Errorf("%d apps: %d characters", apps, len(text))
		}
		got, err := DecodeStatus(string(text) + "\n")
		if err != nil {
			t.Fatalf("%d apps: %v", apps, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d apps:\n%s", apps, diff)
		}
	}
	if plain := string(statusOf(2).Encode()); !strings.HasPrefix(plain, `{"version":1`) {
		t.Errorf("a short status is packed: %s", plain)
	}
}

func TestDecodeStatusRefuses(t *testing.T) {
	t.Parallel()
	packed := string(statusOf(200).Encode())
	for text, want := range map[string]string{
		"":                        "unexpected end",
		`{"version":2}`:           "its version is 2",
		"gzip:!!":                 "unpack",
		packed[:len(packed)/2]:    "unpack",
		`{"version":1,"apps":"x"`: "unexpected end",
	} {
		if _, err := DecodeStatus(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
