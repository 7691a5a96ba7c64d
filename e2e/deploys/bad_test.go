package deploys

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"webstack/contract"
	"webstack/e2e/lab"
)

// TestDeploys runs its parts one after another on one host. Each needs shop and blog to run, and leaves them running.
func TestDeploys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"visitors do not notice", visitorsDoNotNotice},
		{"what is in flight", inFlight},
		{"a bad release does no harm", badReleases},
		{"two at once", twoAtOnce},
		{"killed in the middle", killed},
		{"a release command", releaseCommand},
		{"commands in containers", commands},
		{"maintenance", maintenance},
		{"no app is answered by another", neverAnother},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, w.part(t)) }) {
			t.Fatal("the parts that follow would find a broken stack")
		}
	}
}

// A release that cannot run leaves the old one serving, says why, and leaves nothing behind.
func badReleases(t *testing.T, w *world) {
	before, err := w.answers(shop)
	if err != nil {
		t.Fatal(err)
	}
	visitors := w.load(shop, usual)
	for mode, want := range map[string]string{
		"exits":      "exited before it answered",
		"crashes":    "exited before it answered",
		"hungry":     "it needed more than its 64 MiB of memory",
		"sick":       "not healthy after 5s: GET /health on port 8080 answers 503",
		"other-port": "the app listens on [::]:9999: make it listen on port 8080",
		"loopback":   "the app listens only on 127.0.0.1:8080",
	} {
		w.push("shop", mode, mode)
		out, err := w.webstack("deploy", "shop", mode)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "shop: failed: ") || !strings.Contains(out, want) ||
			!strings.Contains(out, "| this is version "+mode) || !strings.Contains(out, "stays live") {
			t.Errorf("%s: %v\n%s", mode, err, out)
		}
		if d := w.releases("shop")[0]; d.Result != contract.DeployFailed || !strings.HasPrefix(d.Release, mode+"@") ||
			!strings.Contains(d.Error, want) {
			t.Errorf("%s: recorded is %+v", mode, d)
		}
	}
	for release, want := range map[string]string{
		"never-pushed":                         "not found",
		"sha256:" + strings.Repeat("0", 64):    "not found",
		"v1@sha256:" + strings.Repeat("0", 64): "to deploy another image, leave the tag out",
	} {
		if out, err := w.webstack("deploy", "shop", release); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v\n%s", release, err, out)
		}
	}
	other := "linux/arm64"
	if w.platform == "arm64" {
		other = "linux/amd64"
	}
	w.pushProgram("shop", "other-platform", "", other, []byte("\x7fELF"))
	if out, err := w.webstack("deploy", "shop", "other-platform"); err == nil || !strings.Contains(out,
		"the image is built for "+other+", but this host is linux/"+w.platform) || !strings.Contains(out, "stays live") {
		t.Errorf("other platform: %v\n%s", err, out)
	}
	visitors.wentWell(t, before)
	if n := w.containers("shop"); n != 1 {
		t.Errorf("shop has %d containers", n)
	}
	if s := w.status("shop"); s.Deploying != "" || s.State != "running" {
		t.Errorf("status: %+v", s)
	}
}

// Of two deploys of an app, the second waits.
func twoAtOnce(t *testing.T, w *world) {
	w.push("shop", "t1", "")
	w.push("shop", "t2", "")
	var both sync.WaitGroup
	outs := make([]string, 2)
	for i, release := range []string{"t1", "t2"} {
		both.Go(func() {
			out, err := w.webstack("deploy", "shop", release)
			if outs[i] = out; err != nil {
				t.Errorf("%s: %v\n%s", release, err, out)
			}
		})
	}
	both.Wait()
	if text := outs[0] + outs[1]; strings.Count(text, "waiting for another deploy or converge to finish") != 1 {
		t.Errorf("said\n%s", text)
	}
	last := w.releases("shop")[0]
	tag, _ := contract.SplitRelease(last.Release)
	w.runs(shop, "shop "+tag)
	if n := w.containers("shop"); n != 1 || !last.Live {
		t.Errorf("shop has %d containers; the last deploy is %+v", n, last)
	}
}

// Whatever is killed during a deploy, the app answers, and the next deploy works.
func killed(t *testing.T, w *world) {
	for _, tag := range []string{"k0", "k1"} {
		w.push("shop", tag, "")
	}
	w.deploys("shop", "k0")
	next := func(i int) string { return fmt.Sprint("k", (i+1)%2) }
	kill := "pkill -9 -x webstackctl || true"
	turn := 0
	for _, at := range []struct{ line, name, script string }{
		{"pulled in", "the host program after the pull", kill},
		{"the host has the image", "the host program before the start", kill},
		{"starting", "the host program while it starts", kill},
		{"is healthy", "the host program before the switch", kill},
		{"switched", "the host program after the switch", kill},
		{"starting", "Docker", "systemctl restart docker"},
		{"switched", "Docker after the switch", "systemctl restart docker"},
	} {
		release := next(turn)
		visitors := w.load(shop, usual)
		w.interrupt(release, at.line, at.script)
		w.c.MustConverge()
		if strings.Contains(at.script, "docker") { // which closes the connections that it forwards
			visitors.only(t, "shop k")
		} else {
			visitors.wentWell(t, "shop k0", "shop k1")
		}
		w.deploys("shop", release)
		w.runs(shop, "shop "+release)
		if n := w.containers("shop"); n != 1 {
			t.Errorf("%s: shop has %d containers", at.name, n)
		}
		if d := w.releases("shop")[1]; d.Result == "" {
			t.Errorf("%s: recorded is %+v", at.name, d)
		}
		turn++
	}
	release := next(turn)
	w.interrupt(release, "starting", "")
	w.c.Eventually("the deploy goes on without its client", func(context.Context) error {
		if d := w.releases("shop")[0]; !d.Live || !strings.HasPrefix(d.Release, release+"@") {
			return fmt.Errorf("the last deploy is %+v", d)
		}
		return nil
	})
	turn++
	release = next(turn)
	w.reboot(release)
	w.c.MustConverge()
	w.deploys("shop", release)
	w.runs(shop, "shop "+release)
}

// interrupt starts a deploy, and when it has said something, runs a script on the host and kills the client.
func (w *world) interrupt(release, line, script string) {
	w.Helper()
	said := w.begin(release, line)
	if script != "" {
		w.c.TryOnHost(script)
	}
	said()
}

// begin starts a deploy and returns when it has said something. The returned function kills the client.
func (w *world) begin(release, line string) (kill func()) {
	w.Helper()
	cmd := exec.Command(w.c.Dir+"/.webstack/bin/webstack", "-s", lab.Stack, "deploy", "shop", release)
	cmd.Dir = w.c.Dir
	out := &waiting{want: line, found: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	select {
	case <-out.found:
	case <-time.After(time.Minute):
		w.Errorf("the deploy never said %q:\n%s", line, out.text())
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// waiting is an output that somebody waits for.
type waiting struct {
	mu    sync.Mutex
	all   strings.Builder
	want  string
	found chan struct{}
	once  sync.Once
}

func (o *waiting) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.Write(p)
	if strings.Contains(o.all.String(), o.want) || strings.Contains(o.all.String(), "deployed") {
		o.once.Do(func() { close(o.found) })
	}
	return len(p), nil
}

func (o *waiting) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// reboot reboots the host in the middle of a deploy, and waits until it answers again.
func (w *world) reboot(release string) {
	w.Helper()
	kill := w.begin(release, "starting")
	defer kill()
	id, _ := w.c.Host()
	boot := w.c.OnHost("stat -c %Y /proc/1")
	if _, err := ec2.NewFromConfig(w.c.AWS()).RebootInstances(w.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}}); err != nil {
		w.Fatal(err)
	}
	w.c.Eventually("boot again", func(context.Context) error {
		if w.c.TryOnHost("stat -c %Y /proc/1").Stdout == boot {
			return errors.New("it has not been rebooted")
		}
		return nil
	})
	w.c.Eventually("answer after the reboot", func(context.Context) error {
		_, err := w.answers(shop)
		return err
	})
}
