package deploys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"webstack/e2e/lab"
)

// exitCode returns the exit status of a command.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

func releaseCommand(t *testing.T, w *world) {
	w.c.Edit("Pulumi.local.yaml", func(text string) string {
		return strings.Replace(text, "      domain: shop.localhost\n",
			"      domain: shop.localhost\n      releaseCommand: [migrate]\n      releaseTimeoutSeconds: 5\n", 1)
	})
	w.c.MustLaptop("up")
	w.push("shop", "m1", "")
	out := w.deploys("shop", "m1")
	if !strings.Contains(out, "running its release command: migrate\n  | migrating to m1\n") ||
		strings.Index(out, "migrating to m1") > strings.Index(out, "switched") {
		t.Errorf("said\n%s", out)
	}
	for mode, want := range map[string]string{
		"bad-migration": "run its release command: docker compose: exit code 4", "slow-migration": "still running after 5s",
	} {
		w.push("shop", mode, mode)
		out, err := w.webstack("deploy", "shop", mode)
		if exitCode(err) != 1 || !strings.Contains(out, "  | migrating to "+mode) || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", mode, err, out)
		}
		w.runs(shop, "shop m1")
		if n := w.containers("shop"); n != 1 {
			t.Errorf("%s: shop has %d containers", mode, n)
		}
	}
}

func commands(t *testing.T, w *world) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"exec", "shop", "--", "/app", "env", "VERSION"}, 0, "m1\n"},
		{[]string{"exec", "shop", "--", "/app", "env", "SESSION_KEY"}, 0, "\n"},
		{[]string{"exec", "shop", "--", "/app", "fail"}, 42, ""},
		{[]string{"exec", "shop", "--new", "--", "env", "VERSION"}, 0, "m1\n"},
		{[]string{"exec", "shop", "--new", "--", "fail"}, 42, ""},
		{[]string{"exec", "shop", "--", "/app", "env", "a b'c\"$d"}, 0, "\n"},
		{[]string{"exec", "shop"}, 2, ""},
		{[]string{"exec", "nobody", "--", "ls"}, 1, ""},
	} {
		out, err := w.c.WebstackStdout(append([]string{"-s", lab.Stack}, test.args...)...)
		if exitCode(err) != test.code || !strings.HasSuffix(out, test.want) {
			t.Errorf("%q: %v, printed %q, want exit status %d and %q", test.args, err, out, test.code, test.want)
		}
	}
	// A command that is cut off leaves nothing behind.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, w.c.Dir+"/.webstack/bin/webstack", "-s", lab.Stack, "exec", "shop", "--new", "--", "sleep")
	cmd.Dir = w.c.Dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.c.Eventually("the command runs", func(context.Context) error {
		if n := w.containers("shop"); n != 2 {
			return fmt.Errorf("shop has %d containers", n)
		}
		return nil
	})
	w.c.OnHost("pkill -9 -x webstackctl")
	cancel()
	_ = cmd.Wait()
	w.c.MustConverge()
	if n := w.containers("shop"); n != 1 {
		t.Errorf("shop has %d containers", n)
	}
}

func maintenance(t *testing.T, w *world) {
	const message = "Back at 14:00 <UTC> & \"soon\""
	if out, err := w.webstack("maintenance", "shop", "on", "--message", message); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	closed := func(when string) {
		t.Helper()
		resp, err := w.client(false, false).Get("https://" + shop + "/any")
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" ||
			!strings.Contains(string(text), "Back at 14:00 &lt;UTC&gt; &amp; &#34;soon&#34;") {
			t.Errorf("%s: %s %v\n%s", when, resp.Status, err, text)
		}
	}
	closed("at once")
	w.runs(blog, "blog v1")
	w.push("shop", "closed", "")
	w.deploys("shop", "closed")
	closed("after a deploy")
	w.c.OnHost("docker restart caddy")
	w.c.MustConverge()
	closed("after a restart of Caddy and a converge")
	if out, err := w.webstack("status"); err != nil || !strings.Contains(out, "IN MAINTENANCE") {
		t.Errorf("status: %v\n%s", err, out)
	}
	if out, err := w.webstack("maintenance", "shop", "off"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	w.runs(shop, "shop closed")
}

// Whatever restarts, in whatever order, an app is answered by itself or not at all.
func neverAnother(t *testing.T, w *world) {
	// Few, because each of them waits for a container that restarts.
	shops, blogs := w.load(shop, some), w.load(blog, some)
	random := rand.New(rand.NewPCG(1, 2))
	label := "$(docker ps --quiet --filter label=com.docker.compose.project=webstack --filter label=com.docker.compose.service="
	harms := []string{
		"docker restart --time 0 " + label + "shop) " + label + "blog)",
		"docker restart --time 0 " + label + "blog) " + label + "shop)",
		"docker kill " + label + "shop) " + label + "blog) >/dev/null; docker start $(docker ps --all --quiet --filter status=exited)",
		"kill -9 $(docker inspect --format '{{.State.Pid}}' " + label + "shop) " + label + "blog))",
		"docker restart --time 0 caddy " + label + "shop)",
		"systemctl restart docker",
		"systemctl kill --signal KILL docker; sleep 1; systemctl start docker",
	}
	var script strings.Builder
	for range 49 {
		fmt.Fprintf(&script, "{ %s; } >/dev/null 2>&1 || true; sleep 0.%d\n", harms[random.IntN(len(harms))], random.IntN(10))
		if script.Len() > 2500 {
			w.c.TryOnHost(script.String())
			script.Reset()
		}
	}
	w.c.TryOnHost(script.String())
	w.c.OnHost("systemctl reset-failed docker; systemctl start docker")
	w.push("shop", "last", "")
	w.reboot("last")
	w.c.MustConverge()
	shops.only(t, "shop ")
	blogs.only(t, "blog ")
	w.deploys("shop", "last")
	w.runs(shop, "shop last")
	w.runs(blog, "blog v1")
}

// only ends the load and expects that no answer came from another app. Requests may fail.
func (l *load) only(t testing.TB, app string) {
	t.Helper()
	l.stop()
	l.wait.Wait()
	t.Logf("%d requests, %d without an answer, answered by %v", l.requests, len(l.failures), l.seen)
	if len(l.seen) == 0 {
		t.Error("nobody ever answered")
	}
	for identity := range l.seen {
		if !strings.HasPrefix(identity, app) {
			t.Errorf("answered by %q", identity)
		}
	}
}
