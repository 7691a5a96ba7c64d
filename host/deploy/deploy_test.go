package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/internal/filelock"
)

const (
	digest1 = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	digest2 = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
	live    = "/webstack/dev/apps/shop/release"
	record  = "/webstack/dev/apps/shop/deploy"
	command = "01234567-89ab-cdef-0123-456789abcdef"
)

// store is Parameter Store in memory, with the whole history of each parameter.
type store struct {
	history map[string][]string // the oldest first
	fail    map[string]error
}

func (s *store) ByName(_ context.Context, names []string) (map[string]string, map[string]error, error) {
	found := map[string]string{}
	for _, name := range names {
		if values := s.history[name]; len(values) > 0 {
			found[name] = values[len(values)-1]
		}
	}
	return found, nil, nil
}

func (s *store) History(_ context.Context, name string) ([]string, error) {
	values := slices.Clone(s.history[name])
	slices.Reverse(values)
	return values, nil
}

func (s *store) Put(_ context.Context, name, value string) error {
	if err := s.fail[name]; err != nil {
		return err
	}
	s.history[name] = append(s.history[name], value)
	return nil
}

func (s *store) value(name string) string {
	values := s.history[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// world is a host with the app shop, which runs nothing yet.
type world struct {
	*testing.T
	store *store
	dir   string
	runs  string // the release that answers
	did   []string
	fail  map[string]error // by step: pin, prepare, start, switch, tidy
	kill  string           // the step that is killed
	out   bytes.Buffer
	last  contract.Deploy
	sum   map[string]string // digests of tags
}

func newWorld(t *testing.T) *world {
	w := &world{
		T: t, dir: t.TempDir(), store: &store{history: map[string][]string{live: {"-"}, record: {"-"}}, fail: map[string]error{}},
		fail: map[string]error{}, sum: map[string]string{"v1": digest1, "v2": digest2},
	}
	m := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: w.dir,
		PostgresUser: "postgres", PostgresDefaultDb: "app", Web: contract.Web{Connections: 1, ConnectionsPerAddress: 1},
		Apps: []contract.ManifestApp{{
			Name: "shop", Domain: "shop.example.com", Port: 3000, HealthPath: "/", Database: "shop", MemoryMb: 64,
			Repository:          "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop",
			StartTimeoutSeconds: 10, DrainTimeoutSeconds: 10, StopGraceSeconds: 10,
		}},
	}
	file := filepath.Join(w.dir, contract.ManifestPath)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, m.Encode(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return w
}

var errKilled = errors.New("killed")

// step notes a step, and fails or is killed there.
func (w *world) step(name string) error {
	w.did = append(w.did, name)
	if w.kill == name {
		panic(errKilled)
	}
	return w.fail[name]
}

func (w *world) Begin(context.Context, contract.ManifestApp) error { return w.step("begin") }

func (w *world) PinEarlier(context.Context, contract.ManifestApp, string) error {
	return w.step("pin earlier")
}

func (w *world) Pin(_ context.Context, _ contract.ManifestApp, release string) (string, error) {
	if err := w.step("pin"); err != nil {
		return "", err
	}
	tag, digest := contract.SplitRelease(release)
	if digest == "" {
		digest = w.sum[tag]
	}
	return contract.PinRelease(release, digest), nil
}

func (w *world) Prepare(context.Context, contract.ManifestApp, string) error {
	return w.step("prepare")
}

func (w *world) Switch(
	ctx context.Context, app contract.ManifestApp, image string, commit func(context.Context) error,
) (bool, error) {
	if err := w.step("start"); err != nil {
		return false, err
	}
	if err := commit(ctx); err != nil {
		return false, err
	}
	if err := w.step("switch"); err != nil {
		return false, err
	}
	w.runs = contract.ReleaseOf(app.Repository, image)
	return true, w.step("retire")
}

func (w *world) Proxy(context.Context) error { return w.step("proxy") }

func (w *world) SayFailed(app string, err error) { fmt.Fprintf(&w.out, "%s: failed: %v\n", app, err) }

func (w *world) Tidy(context.Context) error { return w.step("tidy") }

// deploy runs a deploy. killed reports whether it was killed.
func (w *world) deploy(o Options) (killed bool, err error) {
	w.Helper()
	w.out.Reset()
	w.did = []string{}
	o.StackDir, o.App, o.Out = w.dir, "shop", &w.out
	o.Parameters = func(context.Context, string) (Parameters, error) { return w.store, nil }
	o.Apps = func(_ context.Context, _ *os.Root, _ contract.Manifest, _ io.Writer) (Apps, error) { return w, nil }
	defer func() {
		if r := recover(); r != nil {
			if r != any(errKilled) {
				panic(r)
			}
			killed = true
		}
	}()
	err = Run(w.Context(), o)
	if d, decodeErr := contract.DecodeDeploy(w.store.value(record)); decodeErr == nil {
		w.last = d
	}
	return false, err
}

// must runs a deploy that succeeds.
func (w *world) must(o Options) {
	w.Helper()
	if killed, err := w.deploy(o); killed || err != nil {
		w.Fatalf("killed: %v, error %v\n%s", killed, err, w.out.String())
	}
}

// is asserts which release is recorded and runs.
func (w *world) is(release string) {
	w.Helper()
	if got := w.store.value(live); got != release || w.runs != release {
		w.Errorf("recorded is %q and %q runs, want %q", got, w.runs, release)
	}
}

func TestDeployAndRollBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v1, v2 := "v1@"+digest1, "v2@"+digest2
	w.must(Options{Release: "v1", ID: command, By: "arn:aws:iam::1:user/ann", Commit: "0123456", Run: "https://example.com/1"})
	w.is(v1)
	if w.last.ID != command || w.last.By != "arn:aws:iam::1:user/ann" || w.last.Commit != "0123456" ||
		w.last.Run != "https://example.com/1" || w.last.Result != contract.DeploySucceeded || w.last.Release != v1 || w.last.Rollback {
		t.Errorf("recorded %+v", w.last)
	}
	if !strings.Contains(w.out.String(), "shop: deployed v1@sha256:111111111111 in ") {
		t.Errorf("said\n%s", w.out.String())
	}
	w.must(Options{Release: v2})
	w.is(v2)
	for range 2 { // back, and back again
		w.must(Options{Rollback: true})
		w.is(v1)
		if slices.Contains(w.did, "prepare") || !w.last.Rollback {
			t.Errorf("a rollback did %v and recorded %+v", w.did, w.last)
		}
		w.must(Options{Rollback: true})
		w.is(v2)
	}
	for _, text := range []string{"v1", digest1, v1} {
		w.must(Options{Rollback: true, Release: text})
		w.is(v1)
	}
	if _, err := w.deploy(Options{Rollback: true, Release: "v3"}); !errors.Is(err, ErrFailed) ||
		!strings.Contains(w.out.String(), "v3 was not deployed successfully") {
		t.Errorf("error %v, said\n%s", err, w.out.String())
	}
	w.is(v1)
	w.must(Options{Release: digest2})
	w.is(digest2)
}

func TestLiveAndPreviousAreProtected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got []string
	protect := func(_ context.Context, app contract.ManifestApp, live, previous string) error {
		got = append(got, app.Name+" "+live+" "+previous)
		return nil
	}
	v1, v2 := "v1@"+digest1, "v2@"+digest2
	w.must(Options{Release: "v1", Protect: protect})
	w.must(Options{Release: "v2", Protect: protect})
	w.must(Options{Release: "v2", Protect: protect})
	w.must(Options{Rollback: true, Protect: protect})
	want := []string{"shop " + v1 + " ", "shop " + v2 + " " + v1, "shop " + v2 + " " + v1, "shop " + v1 + " " + v2}
	if !slices.Equal(got, want) {
		t.Errorf("protected %q, want %q", got, want)
	}
	w.must(Options{Release: "v2", Protect: func(context.Context, contract.ManifestApp, string, string) error {
		return errors.New("no permission")
	}})
	w.is(v2)
	if !strings.Contains(w.out.String(), "shop: warning: its images may expire in the registry: no permission") {
		t.Errorf("said\n%s", w.out.String())
	}
}

func TestNothingToRollBackTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.deploy(Options{Rollback: true}); !errors.Is(err, ErrFailed) ||
		!strings.Contains(w.out.String(), "there is no previous release") || !strings.Contains(w.out.String(), "still has no release") {
		t.Errorf("error %v, said\n%s", err, w.out.String())
	}
}

func TestFailureKeepsTheLiveRelease(t *testing.T) {
	t.Parallel()
	v1 := "v1@" + digest1
	for step, want := range map[string]string{
		"pin": "no such image", "prepare": "migration", "start": "never healthy", "switch": "disk full",
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(Options{Release: "v1"})
			w.fail[step] = errors.New(want + "\nsecond line")
			var told []string
			_, err := w.deploy(Options{Release: "v2", ID: command, Failed: func(
				_ context.Context, m contract.Manifest, reason string, _ io.Writer,
			) {
				told = append(told, m.Stack+": "+reason)
			}})
			if !errors.Is(err, ErrFailed) || !slices.Equal(told, []string{"dev: " + want + "; second line"}) {
				t.Errorf("got error %v, told %q", err, told)
			}
			w.is(v1)
			if w.last.Result != contract.DeployFailed || w.last.Error != want+"; second line" {
				t.Errorf("recorded %+v", w.last)
			}
			if text := w.out.String(); !strings.Contains(text, "shop: failed: "+want) || !strings.HasSuffix(text, "stays live\n") {
				t.Errorf("said\n%s", text)
			}
			delete(w.fail, step)
			w.must(Options{Release: "v2"})
			w.is("v2@" + digest2)
		})
	}
}

// What is wrong with a notification is in the output that people follow.
func TestOutputOfANotification(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fail["pin"] = errors.New("no such image")
	_, err := w.deploy(Options{Release: "v2", ID: command, Failed: func(
		_ context.Context, _ contract.Manifest, _ string, out io.Writer,
	) {
		_, _ = io.WriteString(out, "the notification was not sent\n")
	}})
	var followed bytes.Buffer
	if watched := Watch(w.dir, "shop", command, 0, &followed); !errors.Is(err, ErrFailed) || watched != nil ||
		!strings.HasSuffix(followed.String(), "the notification was not sent\n") {
		t.Errorf("got error %v, %v, followed\n%s", err, watched, followed.String())
	}
}

// A release that Parameter Store does not accept never gets requests.
func TestReleaseThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Options{Release: "v1"})
	w.store.fail[live] = errors.New("throttled")
	if _, err := w.deploy(Options{Release: "v2"}); !errors.Is(err, ErrFailed) || slices.Contains(w.did, "switch") {
		t.Errorf("error %v, did %v", err, w.did)
	}
	w.is("v1@" + digest1)
}

// A release that gets requests is live, whatever else goes wrong.
func TestFailureAfterTheSwitch(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"retire", "proxy", "tidy"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(Options{Release: "v1"})
			w.fail[step] = errors.New("something is in the way")
			w.must(Options{Release: "v2"})
			w.is("v2@" + digest2)
			if w.last.Result != contract.DeploySucceeded || !strings.Contains(w.out.String(), "warning: ") ||
				!strings.Contains(w.out.String(), "something is in the way") || strings.Contains(w.out.String(), "stays live") {
				t.Errorf("recorded %+v, said\n%s", w.last, w.out.String())
			}
		})
	}
}

// A deploy of the live release that is killed before it has done anything has not succeeded.
func TestKilledRedeploy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Options{Release: "v1"})
	w.kill = "prepare"
	if killed, _ := w.deploy(Options{Release: "v1", ID: command}); !killed {
		t.Fatal("it was not killed")
	}
	w.kill = ""
	w.must(Options{Release: "v2"})
	values := w.store.history[record]
	d, err := contract.DecodeDeploy(values[len(values)-2])
	if err != nil || d.ID != command || d.Result != contract.DeployInterrupted {
		t.Errorf("recorded %+v, %v", d, err)
	}
}

func TestPinsAreNotDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.deploy(Options{Release: contract.PinTagPrefix + "20260131t031500z"}); !errors.Is(err, ErrFailed) ||
		slices.Contains(w.did, "pin") {
		t.Errorf("error %v, did %v", err, w.did)
	}
}

func TestLongOutput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Options{Release: "v1", ID: command})
	line := strings.Repeat("é€", 500) + "\n"
	text := strings.Repeat(line, 40)
	if err := os.WriteFile(filepath.Join(w.dir, contract.DeploysDir, "shop", command+".log"), []byte(text+"part of a line"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := ""
	for {
		var out bytes.Buffer
		if err := Watch(w.dir, "shop", command, int64(len(got)), &out); err != nil {
			t.Fatal(err)
		}
		if out.Len() == 0 {
			break
		}
		if out.Len() > maxWatch || !strings.HasSuffix(out.String(), line) {
			t.Fatalf("%d bytes that do not end with a line", out.Len())
		}
		got += out.String()
	}
	if got != text {
		t.Errorf("watched %d of %d bytes", len(got), len(text))
	}
}

// A migration waits for a dump of its database; a deploy without one does not.
func TestMigrationWaitsForADump(t *testing.T) {
	t.Parallel()
	for _, migration := range [][]string{nil, {"migrate"}} {
		w := newWorld(t)
		file := filepath.Join(w.dir, contract.ManifestPath)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := contract.DecodeManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Apps[0].ReleaseCommand, m.Apps[0].ReleaseTimeoutSeconds = migration, 5
		if err := errors.Join(os.WriteFile(file, m.Encode(), 0o644), os.MkdirAll(filepath.Join(w.dir, contract.StateDir), 0o755)); err != nil {
			t.Fatal(err)
		}
		unlock, err := filelock.Acquire(t.Context(), filepath.Join(w.dir, contract.DatabaseLockPath("shop")), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(300*time.Millisecond, unlock)
		w.must(Options{Release: "v1", ID: command})
		if waited := strings.Contains(w.out.String(), "shop: waiting for a backup of its database"); waited != (migration != nil) {
			t.Errorf("release command %q:\n%s", migration, w.out.String())
		}
	}
}

// maxWatch is how much a look at an output shows at most, in bytes.
const maxWatch = 20000

func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{
		"pin": contract.DeployInterrupted, "prepare": contract.DeployInterrupted, "start": contract.DeployInterrupted,
		"switch": contract.DeploySucceeded, "retire": contract.DeploySucceeded, "proxy": contract.DeploySucceeded,
		"tidy": contract.DeploySucceeded,
	} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(Options{Release: "v1"})
			w.kill = step
			if killed, _ := w.deploy(Options{Release: "v2", ID: command}); !killed {
				t.Fatal("it was not killed")
			}
			if d, pid, ok := Running(w.dir, "shop"); !ok || d.ID != command || pid != os.Getpid() {
				t.Errorf("running: %+v, process %d, %v", d, pid, ok)
			}
			w.kill = ""
			text, err := os.ReadFile(filepath.Join(w.dir, contract.ManifestPath))
			if err != nil {
				t.Fatal(err)
			}
			m, err := contract.DecodeManifest(text)
			if err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(w.dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = root.Close() }()
			for range 2 {
				if err := Heal(t.Context(), root, w.store, m); err != nil {
					t.Fatal(err)
				}
			}
			d, err := contract.DecodeDeploy(w.store.value(record))
			if err != nil || d.ID != command || d.Result != want || (d.Error == "") != (want == contract.DeploySucceeded) {
				t.Errorf("recorded %+v, %v", d, err)
			}
			if n := len(w.store.history[record]); n != 3 {
				t.Errorf("there are %d records", n)
			}
			w.must(Options{Release: "v2"})
			w.is("v2@" + digest2)
		})
	}
}

func TestHealForgetsAppsThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Options{Release: "v1"})
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	if err := Heal(t.Context(), root, w.store, contract.Manifest{Project: "webstack", Stack: "dev"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, contract.DeploysDir, "shop")); err == nil {
		t.Error("its outputs are left")
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(Options{Release: "v1", ID: command})
	watch := func(from int64) string {
		var out bytes.Buffer
		if err := Watch(w.dir, "shop", command, from, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := watch(0); got != w.out.String() || got == "" {
		t.Errorf("watched %q, printed %q", got, w.out.String())
	}
	if got := watch(6); got != w.out.String()[6:] || watch(1_000_000) != "" {
		t.Errorf("from byte 6: %q", got)
	}
	if err := Watch(w.dir, "shop", "unknown", 0, io.Discard); err != nil {
		t.Errorf("before it has begun: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := Run(t.Context(), Options{StackDir: filepath.Join(w.dir, "none"), App: "shop"}); err == nil ||
		!strings.Contains(err.Error(), "run pulumi up") {
		t.Errorf("without a stack directory: %v", err)
	}
	var out bytes.Buffer
	err := Run(t.Context(), Options{StackDir: w.dir, App: "blog", Release: "v1", Out: &out, Failed: func(
		context.Context, contract.Manifest, string, io.Writer,
	) {
		t.Error("people were told of a wrong argument")
	}})
	if !errors.Is(err, ErrFailed) || !strings.Contains(out.String(), "no such app") {
		t.Errorf("another app: %v\n%s", err, out.String())
	}
}
