package apps

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/internal/dockertest"
)

func digestOf(name string) string { return "sha256:" + contract.Sum([]byte(name)) }

// A tag means what the registry says, whatever the host has.
func TestPin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop := w.Manifest.Apps[1]
	v1 := image("shop", "v1")
	w.engine.Digests = map[string]string{v1: digestOf("old")}
	if got, err := w.Pin(t.Context(), shop, "v1"); err != nil || got != "v1@"+digestOf("old") {
		t.Fatalf("got %s, %v", got, err)
	}
	// The tag is deleted and used again.
	w.engine.Digests[v1] = digestOf("new")
	if got, err := w.Pin(t.Context(), shop, "v1"); err != nil || got != "v1@"+digestOf("new") {
		t.Errorf("got %s, %v", got, err)
	}
	if pulls := slices.DeleteFunc(w.engine.Calls(), func(c string) bool { return c != "pull "+v1 }); len(pulls) != 2 {
		t.Errorf("pulled %v", pulls)
	}
	if got, err := w.Pin(t.Context(), shop, "v1@"+digestOf("new")); err != nil || got != "v1@"+digestOf("new") {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := w.Pin(t.Context(), shop, "v1@"+digestOf("old")); err == nil || !strings.Contains(err.Error(), "has the digest "+digestOf("new")) {
		t.Errorf("a digest of another image: %v", err)
	}
	if _, err := w.Pin(t.Context(), shop, "v9"); err == nil || !strings.Contains(err.Error(), "manifest unknown") {
		t.Errorf("an unknown tag: %v", err)
	}
}

// A release that was deployed before needs no registry while the host has its image.
func TestPinEarlier(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	shop, release := w.Manifest.Apps[1], "v1@"+digestOf("x")
	w.engine.Registry = append(w.engine.Registry, image("shop", release))
	for range 2 {
		if err := w.PinEarlier(t.Context(), shop, release); err != nil {
			t.Fatal(err)
		}
		w.engine.Registry = nil
	}
	if err := w.PinEarlier(t.Context(), shop, "v2@"+digestOf("y")); err == nil {
		t.Error("an image that nobody has was found")
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	shop := w.Manifest.Apps[1]
	w.engine.Calls()
	if err := w.Prepare(t.Context(), shop, "v2"); err != nil || len(w.engine.Calls()) > 0 {
		t.Errorf("without a command: %v", err)
	}
	shop.ReleaseCommand, shop.ReleaseTimeoutSeconds = []string{"bin/migrate", "--all"}, 60
	w.engine.Runs = map[string]func([]string) (string, error){image("shop", "v2"): func(args []string) (string, error) {
		if !slices.Equal(args, shop.ReleaseCommand) {
			return "", errors.New("wrong arguments")
		}
		return "50 %\r100 %\r\ndone\x1b[31m\n" + strings.Repeat("x", 3*longestLine), nil
	}}
	w.out.Reset()
	if err := w.Prepare(t.Context(), shop, "v2"); err != nil {
		t.Fatal(err)
	}
	if text := w.out.String(); !strings.Contains(text, "  | 50 %\n  | 100 %\n") || !strings.Contains(text, "  | done[31m\n") ||
		strings.Count(text, "  | xxx") != 3 || !strings.Contains(text, "its release command succeeded") {
		t.Errorf("said\n%.600s", text)
	}
	w.engine.Runs[image("shop", "v2")] = func([]string) (string, error) { return "no such column\n", dockertest.Fail("it failed") }
	if err := w.Prepare(t.Context(), shop, "v2"); err == nil || !strings.Contains(err.Error(), "run its release command") {
		t.Errorf("got error %v", err)
	}
	w.Timing.Second = time.Millisecond
	ctx := t.Context()
	w.engine.Runs[image("shop", "v2")] = func([]string) (string, error) {
		<-time.After(100 * time.Millisecond)
		return "", context.DeadlineExceeded
	}
	if err := w.Prepare(ctx, shop, "v2"); err == nil || !strings.Contains(err.Error(), "still running after 60ms") {
		t.Errorf("got error %v", err)
	}
}

// A converge removes the containers of commands whose process was killed, and of release commands.
func TestContainersOfKilledCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.Docker.Proc = t.TempDir()
	alive := filepath.Join(w.Docker.Proc, "7", "cmdline")
	if err := errors.Join(os.MkdirAll(filepath.Dir(alive), 0o755), os.WriteFile(alive, []byte("/opt/webstack/bin/webstackctl\x00exec\x00"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{sessionPrefix + "7", sessionPrefix + "8", contract.ReleaseContainerName("shop"), "by-hand"} {
		at, err := w.freeAddress(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		up := upTwo(w)
		up.Env = []string{contract.AddressVariable("shop") + "=" + w.edge().IP(at)}
		before := w.engine.Containers()
		if err := w.Docker.Up(t.Context(), "shop", up); err != nil {
			t.Fatal(err)
		}
		for _, c := range w.engine.Containers() {
			if !slices.ContainsFunc(before, func(b dockertest.Container) bool { return b.ID == c.ID }) {
				w.engine.Change(c.Name, func(c *dockertest.Container) { c.Name, c.OneOff, c.Fixed = name, true, "" })
			}
		}
	}
	w.runs(both("v1", "v1"))
	var left []string
	for _, c := range w.engine.Containers() {
		if c.OneOff {
			left = append(left, c.Name)
		}
	}
	if want := []string{"by-hand", sessionPrefix + strconv.Itoa(7)}; !slices.Equal(left, want) {
		t.Errorf("left are %v, want %v\n%s", left, want, w.out.String())
	}
}

func TestExec(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("", "v1"))
	blog, shop := w.Manifest.Apps[0], w.Manifest.Apps[1]
	w.engine.Runs = map[string]func([]string) (string, error){image("shop", "v1"): func(args []string) (string, error) {
		return strings.Join(args, " "), nil
	}}
	var out bytes.Buffer
	if err := w.Exec(t.Context(), shop, []string{"a", "b c"}, ExecOptions{New: true, Stdout: &out, Stderr: &out}); err != nil || out.String() != "a b c" {
		t.Errorf("printed %q, %v", out.String(), err)
	}
	if err := w.Exec(t.Context(), blog, []string{"a"}, ExecOptions{}); err == nil || !strings.Contains(err.Error(), "no release yet") {
		t.Errorf("got error %v", err)
	}
	w.engine.Change("webstack-shop-1", func(c *dockertest.Container) { c.Status, c.ExitCode = "restarting", 3 })
	if err := w.Exec(t.Context(), shop, []string{"a"}, ExecOptions{}); err == nil || !strings.Contains(err.Error(), "use --new") {
		t.Errorf("got error %v", err)
	}
}
