// Package machine tests the machines of the laptop cloud with real containers. Without a usable Docker engine its tests
// are skipped with the reason.
package machine

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"webstack/internal/tooltest"
	"webstack/local/authority"
	"webstack/local/machine"
)

// patience limits every wait; all are far shorter.
const patience = 3 * time.Minute

const poll = 50 * time.Millisecond

// laptop is a laptop cloud's machines with stand-ins for what they reach.
type laptop struct {
	*machine.Engine
	t  *testing.T
	id string
}

func open(t *testing.T) *laptop {
	t.Helper()
	t.Parallel()
	if err := machine.Probe(t.Context()); err != nil {
		tooltest.Missing(t, "no hosts here: %v", err)
	}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("gateway " + r.URL.Path))
	}))
	t.Cleanup(gateway.Close)
	l := &laptop{t: t, id: "e2e" + randomHex(t, 6)}
	ca, err := authority.New("laptop")
	if err != nil {
		t.Fatal(err)
	}
	registry := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("registry " + r.TLS.ServerName))
	}))
	registry.TLS = ca.Config(func(string) bool { return true })
	registry.StartTLS()
	t.Cleanup(registry.Close)
	engine, err := machine.Open(t.Context(), machine.Options{
		Root: projectRoot(t), ID: l.id,
		Gateway:       gateway.Listener.Addr().String,
		Registry:      registry.Listener.Addr().String,
		CA:            ca.PEM(),
		RegistryNames: []string{"registry-1.docker.io"},
		Credentials: func(_ context.Context, instanceID string) (machine.Credentials, error) {
			return machine.Credentials{AccessKeyID: "ASIA" + instanceID, SecretAccessKey: "secret", Token: "token",
				Expiration: time.Now().Add(time.Hour)}, nil
		},
		Log: writer{t},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Engine = engine
	t.Cleanup(func() {
		if err := engine.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
		l.nothingLeft()
	})
	return l
}

type writer struct{ t *testing.T }

func (w writer) Write(data []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(data)))
	return len(data), nil
}

func randomHex(t *testing.T, bytes int) string {
	t.Helper()
	data := make([]byte, bytes)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(data)
}

func projectRoot(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "webstack").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func (l *laptop) spec() machine.Spec {
	return machine.Spec{
		InstanceID: "i-" + randomHex(l.t, 8), AccountID: "123456789012", Region: "eu-central-1",
		AvailabilityZone: "eu-central-1a", InstanceType: "t4g.small", ImageID: "ami-1", PrivateIP: "10.0.1.5",
		RoleName: "host", Metadata: machine.MetadataOptions{Enabled: true, TokenRequired: true, HopLimit: 1},
	}
}

// boot boots a machine and waits until it accepts commands.
func (l *laptop) boot(spec machine.Spec) string {
	l.t.Helper()
	if err := l.Boot(l.t.Context(), spec); err != nil {
		l.t.Fatal(err)
	}
	l.await(spec.InstanceID)
	return spec.InstanceID
}

func (l *laptop) await(id string) {
	l.t.Helper()
	l.eventually("the machine runs", func() bool { return l.Running(l.t.Context(), id) })
}

func (l *laptop) eventually(what string, holds func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(poll) {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited %v in vain until %s", patience, what)
		}
	}
}

// try runs a shell script on a machine and returns its exit code and its output, both streams together.
func (l *laptop) try(id, script string) (machine.Exit, string) {
	l.t.Helper()
	var out bytes.Buffer
	exit, err := l.Run(l.t.Context(), id, machine.Command{
		Args: []string{"sh", "-c", script}, Stdout: &out, Stderr: &out, Timeout: patience})
	if err != nil {
		l.t.Fatalf("run %q: %v", script, err)
	}
	return exit, out.String()
}

// sh runs a script that must succeed and returns its output without spaces at the ends.
func (l *laptop) sh(id, script string) string {
	l.t.Helper()
	exit, out := l.try(id, script)
	if exit.Code != 0 {
		l.t.Fatalf("%q ended with %+v:\n%s", script, exit, out)
	}
	return strings.TrimSpace(out)
}

// nothingLeft checks that no container or volume of the laptop cloud is left.
func (l *laptop) nothingLeft() {
	l.t.Helper()
	for _, args := range [][]string{
		{"ps", "--all", "--quiet", "--filter", "name=webstack-" + l.id},
		{"volume", "ls", "--quiet", "--filter", "name=webstack-" + l.id},
		{"ps", "--all", "--quiet", "--filter", "label=webstack.cloud=" + l.id},
	} {
		out, err := exec.Command("docker", args...).CombinedOutput()
		if err != nil || len(bytes.TrimSpace(out)) > 0 {
			l.t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
