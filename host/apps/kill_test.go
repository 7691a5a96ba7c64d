package apps

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"webstack/host/internal/dockertest"
)

// killer ends a run at its n-th event: an event is a moment right before or behind a call of docker that changes
// something, or a line of output, which stands behind a change of files. Between two calls that only look, nothing differs.
type killer struct {
	at, seen int
	out      io.Writer
}

var errKilled = errors.New("killed")

func (k *killer) event() {
	k.seen++
	if k.seen == k.at {
		panic(errKilled)
	}
}

func (k *killer) Write(p []byte) (int, error) {
	n, err := k.out.Write(p)
	k.event()
	return n, err
}

// story is a host that runs, a change to it, and what must be true afterwards.
type story struct {
	before, after  map[string]string
	change         func(w *world)
	want           map[string]string
	neverInterrupt []string // apps that are answered for at every moment
}

func stories() map[string]story {
	v := func(blog, shop string) map[string]string {
		return map[string]string{"blog": image("blog", blog), "shop": image("shop", shop)}
	}
	return map[string]story{
		"first run":   {nil, both("v1", "v1"), func(*world) {}, v("v1", "v1"), nil},
		"new release": {both("v1", "v1"), both("v2", "v1"), func(*world) {}, v("v2", "v1"), []string{"blog", "shop"}},
		"new secrets": {both("v1", "v1"), both("v1", "v1"), func(w *world) {
			w.file("env/shop.env", "DATABASE_URL=\"other\"\n")
			w.file("env/blog.env", "DATABASE_URL=\"another\"\n")
		}, v("v1", "v1"), []string{"blog", "shop"}},
		"withdrawn": {both("v1", "v1"), both("", "v1"), func(*world) {},
			map[string]string{"shop": image("shop", "v1")}, []string{"shop"}},
		"removed and added": {both("v1", "v1"), map[string]string{"shop": "v1", "wiki": "v1"}, func(w *world) {
			w.apps("shop", "wiki")
		}, map[string]string{"shop": image("shop", "v1"), "wiki": image("wiki", "v1")}, []string{"shop"}},
		"base changed": {both("v1", "v1"), both("v1", "v1"), func(w *world) {
			w.file("compose/docker-compose.yml", strings.ReplaceAll(w.read("compose/docker-compose.yml"),
				"    container_name", "    mem_limit: 1g\n    container_name"))
		}, v("v1", "v1"), []string{"blog", "shop"}},
	}
}

func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	for name, s := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := 1
			for ; killOnce(t, s, at); at++ {
			}
			if at < 6 {
				t.Errorf("there were only %d moments to be killed at", at)
			}
		})
	}
}

// killOnce kills the run of a story at one event and then runs it again. It tells whether there was such an event.
func killOnce(t *testing.T, s story, at int) (killed bool) {
	w := newWorld(t)
	if s.before != nil {
		w.runs(s.before)
	}
	s.change(w)
	k := &killer{at: at, out: &w.out}
	watch := func(args []string) error {
		if dockertest.OnlyLooks(args) {
			return nil
		}
		for _, app := range s.neverInterrupt {
			if w.answering(app) == "" {
				t.Errorf("killed at %d: nobody answers for %s\n%s", at, app, w.out.String())
			}
		}
		k.event()
		return nil
	}
	w.Out, w.engine.Before, w.engine.After = k, watch, watch
	killed = dies(func() error { return w.run(s.after) })
	k.at = -1
	// What the run after it says, and does, is as usual.
	w.Out = &w.out
	w.runs(s.after)
	w.engine.Before, w.engine.After = nil, nil
	w.runOnly(s.want)
	w.unchanged(s.after)
	if t.Failed() {
		t.Fatalf("killed at %d of %v", at, slices.Sorted(maps.Keys(s.after)))
	}
	return killed
}

// dies tells whether a run was killed.
func dies(run func() error) (killed bool) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(errKilled) {
				panic(r)
			}
			killed = true
		}
	}()
	if err := run(); err != nil {
		panic(fmt.Sprintf("the run failed: %v", err))
	}
	return false
}
