package host

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"webstack/internal/gobuild"
	"webstack/internal/tooltest"
	"webstack/local/authority"
	"webstack/local/machine"
	"webstack/templates"
)

// patience limits what runs on a machine; a package manager can be slow.
const patience = 10 * time.Minute

// booted is a machine with systemd, and the host program on it.
type booted struct {
	t        *testing.T
	machines *machine.Engine
	id       string
}

func random(t *testing.T) string {
	t.Helper()
	data := make([]byte, 6)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(data)
}

func boot(t *testing.T) *booted {
	t.Helper()
	if err := machine.Probe(t.Context()); err != nil {
		tooltest.Missing(t, "no hosts here: %v", err)
	}
	root, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "webstack").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(root))
	path, err := gobuild.Host(t.Context(), dir, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := authority.New("test")
	if err != nil {
		t.Fatal(err)
	}
	nothing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nothing.Close)
	machines, err := machine.Open(t.Context(), machine.Options{
		Root: dir, ID: "e2ehost" + random(t), CA: ca.PEM(),
		Gateway: nothing.Listener.Addr().String, Registry: nothing.Listener.Addr().String,
		Credentials: func(context.Context, string) (machine.Credentials, error) { return machine.Credentials{}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := machines.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("remove the machine: %v", err)
		}
	})
	b := &booted{t: t, machines: machines, id: "i-" + random(t)}
	err = machines.Boot(t.Context(), machine.Spec{
		InstanceID: b.id, AccountID: "123456789012", Region: "eu-central-1", AvailabilityZone: "eu-central-1a",
		InstanceType: "t4g.small", ImageID: "ami-1", PrivateIP: "10.0.1.5",
	})
	if err != nil {
		t.Fatal(err)
	}
	b.await()
	b.run(map[string][]byte{"/opt/webstack/bin/webstackctl": program}, "true")
	return b
}

func (b *booted) await() {
	b.t.Helper()
	for end := time.Now().Add(patience); !b.machines.Running(b.t.Context(), b.id); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatal("the machine does not boot")
		}
	}
}

func (b *booted) try(files map[string][]byte, script string) (int, string) {
	b.t.Helper()
	var out bytes.Buffer
	exit, err := b.machines.Run(b.t.Context(), b.id, machine.Command{
		Args: []string{"bash", "-c", "set -Eeuo pipefail\n" + script}, Files: files, Stdout: &out, Stderr: &out,
		Timeout: patience,
	})
	if err != nil {
		b.t.Fatalf("run %q: %v", script, err)
	}
	return exit.Code, strings.TrimSpace(out.String())
}

func (b *booted) run(files map[string][]byte, script string) string {
	b.t.Helper()
	code, out := b.try(files, script)
	if code != 0 {
		b.t.Fatalf("%.200q: exit code %d\n%s", script, code, out)
	}
	return out
}

func (b *booted) sh(script string) string { b.t.Helper(); return b.run(nil, script) }

const (
	mount    = "/opt/webstack/bin/webstackctl mount --volume " + volumeID
	mounted  = "findmnt --noheadings --output FSTYPE /var/lib/webstack"
	isActive = "systemctl is-active docker || true"
)

// A host with a real systemd and Docker: Docker runs only with the volume, at the first boot and at every later one.
func TestDockerNeedsTheVolume(t *testing.T) {
	b := boot(t)
	if code, out := b.try(nil, mount+" --wait 1s"); code != 1 || !strings.Contains(out, "nothing starts until then") {
		t.Errorf("without the volume: exit code %d, %s", code, out)
	}
	// A boot waits for a volume that is being attached; here it is known not to come.
	impatient := "sed -i 's/--wait 2m/--wait 1s/' /etc/systemd/system/webstack-data.service && systemctl daemon-reload"
	b.sh(impatient)
	if code, out := b.try(nil, templates.Script{}.Docker()); code == 0 || !strings.Contains(out, "mount data volume") {
		t.Errorf("Docker starts without the volume: exit code %d, %s", code, out)
	}
	if err := b.machines.Attach(t.Context(), b.id, volumeID, 1); err != nil {
		t.Fatal(err)
	}
	if out := b.sh(mount); !strings.Contains(out, "formatted") || b.sh(mounted) != "ext4" {
		t.Errorf("printed %q", out)
	}
	b.sh(templates.Script{}.Docker())
	if out := b.sh(isActive); out != "active" {
		t.Fatalf("Docker is %s", out)
	}
	b.sh("echo kept >/var/lib/webstack/caddy/kept")
	if out := b.sh(mount); out != "" {
		t.Errorf("again: printed %q", out)
	}

	reboot := func() {
		if err := b.machines.Reboot(t.Context(), b.id); err != nil {
			t.Fatal(err)
		}
		b.await()
		// It waits for the end of the boot, and fails if a unit has failed.
		_, _ = b.try(nil, "systemctl is-system-running --wait")
	}
	reboot()
	if out := b.sh("cat /var/lib/webstack/caddy/kept; " + mounted + "; " + isActive); out != "kept\next4\nactive" {
		t.Errorf("after a reboot: %s", out)
	}

	b.sh("systemctl stop docker.socket docker; systemctl stop webstack-data; umount /var/lib/webstack")
	if err := b.machines.Detach(t.Context(), b.id, volumeID); err != nil {
		t.Fatal(err)
	}
	b.sh(impatient)
	reboot()
	if out := b.sh(isActive); out == "active" || b.sh("ls /var/lib/webstack") != "" {
		t.Errorf("without its volume, Docker is %s after a boot", out)
	}
	if err := b.machines.Attach(t.Context(), b.id, volumeID, 1); err != nil {
		t.Fatal(err)
	}
	b.sh(mount + "\n" + templates.Script{}.Docker())
	if out := b.sh("cat /var/lib/webstack/caddy/kept; " + isActive); out != "kept\nactive" {
		t.Errorf("with its volume again: %s", out)
	}
}
