package ctl

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/internal/commandtest"
)

func TestUpBoundsConnections(t *testing.T) {
	t.Parallel()
	_, run := machine(t)
	dir := t.TempDir()
	var restored []string
	for _, program := range []string{"iptables", "ip6tables"} {
		run.Set(program, func(c commandtest.Call) (string, error) {
			if slices.Contains(c.Args, "--check") {
				return "", commandtest.Fail(program, 1, "Bad rule")
			}
			return "", nil
		})
		run.Set(program+"-restore", func(c commandtest.Call) (string, error) {
			restored = append(restored, c.Input)
			return "", nil
		})
	}
	call := func() (int, string) {
		var errs bytes.Buffer
		code := Command{Stdout: &bytes.Buffer{}, Stderr: &errs, Run: run}.Main([]string{"up", "--stack-dir", dir})
		return code, errs.String()
	}
	if code, errs := call(); code != 0 || len(restored) != 0 {
		t.Errorf("before the first bundle: exit code %d: %s; restored %q", code, errs, restored)
	}
	manifest := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "test", Region: "us-east-1", PostgresUser: "postgres", StackDir: dir,
		PostgresDefaultDb: "app",
		Web:               contract.Web{Connections: 2048, ConnectionsPerAddress: 128},
	}
	path := contract.Paths{StackDir: dir}.Manifest()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, manifest.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, errs := call(); code != 0 || len(restored) != 2 || !strings.Contains(restored[0], "--connlimit-above 128") {
		t.Errorf("exit code %d: %s; restored %q", code, errs, restored)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, errs := call(); code != 1 || !strings.Contains(errs, "read the manifest") {
		t.Errorf("a broken manifest: exit code %d: %s", code, errs)
	}
}

// The apps end while Postgres still answers them.
func TestDownStopsAppsFirst(t *testing.T) {
	t.Parallel()
	_, run := machine(t)
	container := func(id, service, status string) string {
		return fmt.Sprintf(`{"Id": %q, "Name": "/webstack-%s-1", "State": {"Status": %q}, "Config": {"Labels":
			{"com.docker.compose.project": "webstack", "com.docker.compose.service": %q}}}`, id, service, status, service)
	}
	fail := ""
	run.Set("docker", func(c commandtest.Call) (string, error) {
		switch c.Args[0] {
		case fail:
			return "", commandtest.Fail("docker", 1, "no "+fail)
		case "ps":
			return "a\nb\nc\nd\n", nil
		case "inspect":
			return "[" + strings.Join([]string{container("a", "caddy", "running"), container("b", "shop", "running"),
				container("c", "postgres", "running"), container("d", "blog", "exited")}, ",") + "]", nil
		}
		return "", nil
	})
	call := func() (code int, stops []string) {
		before := len(run.Calls())
		code = Command{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Run: run}.Main([]string{"down", "--stack-dir", t.TempDir()})
		for _, c := range run.Calls()[before:] {
			if c.Name == "docker" && c.Args[0] == "stop" {
				stops = append(stops, strings.Join(c.Args[1:], " "))
			}
		}
		return code, stops
	}
	if code, stops := call(); code != 0 || !slices.Equal(stops, []string{"b", "a c"}) {
		t.Errorf("exit code %d, stopped %q", code, stops)
	}
	// What fails for some keeps the others from nothing.
	fail = "stop"
	if code, stops := call(); code != 1 || len(stops) != 2 {
		t.Errorf("exit code %d, tried to stop %q", code, stops)
	}
	fail = "ps"
	if code, stops := call(); code != 1 || len(stops) != 0 {
		t.Errorf("without an engine: exit code %d, stopped %q", code, stops)
	}
}
