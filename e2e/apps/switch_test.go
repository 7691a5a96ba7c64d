package apps

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webstack/contract"
)

func release(pairs ...string) map[string]string {
	releases := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		releases[pairs[i]] = pairs[i+1]
	}
	return releases
}

func TestSwitchUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHost(t, "blog", "shop")
	h.converges(release("blog", "v1", "shop", "v1"))
	h.answers("blog", "v1")
	h.answers("shop", "v1")
	before := h.containers()
	if said := h.converges(release("blog", "v1", "shop", "v1")); said != "" || !maps.Equal(before, h.containers()) {
		t.Errorf("an unchanged run said %q", said)
	}
	load := h.visit("blog", "shop")
	// One that the old container is busy with, for longer than the new one needs.
	slow := make(chan error, 1)
	go func() {
		_, err := get(t.Context(), h.client(false), "shop", "/slow?ms=8000")
		slow <- err
	}()
	for _, version := range []string{"v2", "v3"} {
		h.converges(release("blog", "v1", "shop", version))
		h.answers("shop", version)
	}
	if err := <-slow; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	// The same image with another secret.
	h.write(contract.EnvDir+"/shop.env", []byte("SITE_TITLE=\"other\"\n"))
	h.converges(release("blog", "v1", "shop", "v3"))
	load.wentWell()
	after := h.containers()
	if len(after) != 3 || after["blog-1"] != before["blog-1"] || after["caddy"] != before["caddy"] {
		t.Errorf("containers became %v", after)
	}
	if images := dockerOutput("image", "ls", "--format", "{{.Tag}}", h.Images+"shop"); strings.Contains(images, "v1") ||
		!strings.Contains(images, "v2") || !strings.Contains(images, "v3") {
		t.Errorf("images left: %s", images)
	}
}

func TestComposeByHandChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, "blog", "shop")
	h.converges(release("shop", "v1"))
	h.converges(release("shop", "v2"))
	before := h.containers()
	cmd := exec.CommandContext(t.Context(), "docker", "compose", "up", "--detach", "--pull", "never")
	cmd.Dir = filepath.Join(h.Dir, "compose")
	cmd.Env = append(os.Environ(), composeEnv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if after := h.containers(); !maps.Equal(before, after) {
		t.Errorf("containers became %v, were %v", after, before)
	}
}

func TestFailingReleaseKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	h := newHost(t, "blog", "shop")
	h.converges(release("blog", "v1", "shop", "v1"))
	h.answers("shop", "v1")
	load := h.visit("shop")
	var out strings.Builder
	h.ship(release("shop", "broken"))
	err := h.converge(t.Context(), &out, release("blog", "v1", "shop", "broken"))
	if err == nil || !strings.Contains(err.Error(), "app shop") || !strings.Contains(err.Error(), "exited before it answered") {
		t.Errorf("got error %v", err)
	}
	if !strings.Contains(out.String(), "the last lines of") {
		t.Errorf("it does not show what the container said:\n%s", out.String())
	}
	load.wentWell()
	h.answers("shop", "v1")
	if got := h.containers(); len(got) != 3 || got["shop-1"] == "" {
		t.Errorf("got containers %v", got)
	}
}

func TestAppsComeAndGo(t *testing.T) {
	t.Parallel()
	h := newHost(t, "blog", "shop")
	h.converges(release("shop", "v1"))
	h.answers("shop", "v1")
	if got := h.status("blog"); got != 503 {
		t.Errorf("an app without a release answers %d", got)
	}
	before := h.containers()
	load := h.visit("shop")
	for range 3 {
		h.render("blog", "shop", "wiki")
		h.converges(release("blog", "v1", "shop", "v1", "wiki", "v1"))
		h.answers("blog", "v1")
		h.answers("wiki", "v1")
		h.render("blog", "shop")
		h.converges(release("shop", "v1"))
	}
	load.wentWell()
	if got := h.status("blog"); got != 503 {
		t.Errorf("an app whose release was withdrawn answers %d", got)
	}
	if after := h.containers(); !maps.Equal(before, after) {
		t.Errorf("containers became %v, were %v", after, before)
	}
}

func TestHeals(t *testing.T) {
	t.Parallel()
	h := newHost(t, "shop")
	releases := release("shop", "v1")
	h.converges(releases)
	h.answers("shop", "v1")
	for name, damage := range map[string]func(){
		"killed app":        func() { dockerOutput("kill", h.Project+"-shop-1") },
		"removed app":       func() { dockerOutput("rm", "--force", h.Project+"-shop-1") },
		"killed Caddy":      func() { dockerOutput("kill", h.Project+"-caddy") },
		"removed Caddy":     func() { dockerOutput("rm", "--force", h.Project+"-caddy") },
		"removed hosts":     func() { _ = os.Remove(filepath.Join(h.Dir, contract.HostsPath)) },
		"emptied hosts":     func() { _ = os.Truncate(filepath.Join(h.Dir, contract.HostsPath), 0) },
		"lost state":        func() { _ = os.RemoveAll(filepath.Join(h.Dir, contract.StateDir)) },
		"removed everybody": func() { dockerOutput("rm", "--force", h.Project+"-caddy", h.Project+"-shop-1") },
	} {
		damage()
		h.converges(releases)
		h.answers("shop", "v1")
		if got := h.containers(); len(got) != 2 || got["caddy"] == "" {
			t.Errorf("%s: got containers %v", name, got)
		}
		before := h.containers()
		if said := h.converges(releases); said != "" || !maps.Equal(before, h.containers()) {
			t.Errorf("%s: an unchanged run said %q", name, said)
		}
	}
}

// TestKilledInTheMiddle kills converge at each line of its output in turn, and also a little after each. Visitors do
// not notice, and the next run finishes.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	h := newHost(t, "shop")
	h.converges(release("shop", "v1"))
	h.answers("shop", "v1")
	load := h.visit("shop")
	version := "v1"
	for _, after := range []time.Duration{0, 300 * time.Millisecond} {
		for line := 1; ; line++ {
			next := map[string]string{"v1": "v2", "v2": "v1"}[version]
			killed := h.killConverge(release("shop", next), line, after)
			h.converges(release("shop", next))
			h.answers("shop", next)
			if got := h.containers(); len(got) != 2 {
				t.Fatalf("killed at line %d: got containers %v", line, got)
			}
			version = next
			if !killed {
				break
			}
		}
	}
	load.wentWell()
}
