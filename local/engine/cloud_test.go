package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"webstack/local/langhost"
	"webstack/local/provider"
	"webstack/local/workdir"
)

// tinyCloud is a cloud with one type of resource, served to the engine as a provider.
type tinyCloud struct {
	mu      sync.Mutex
	serial  int
	things  map[string]provider.Values // by id
	onMade  func(value string)         // runs inside a creation, after the thing exists
	failing string                     // a creation with this value is refused
}

func (c *tinyCloud) create(_ context.Context, in provider.Values) (string, error) {
	c.mu.Lock()
	if in.Str("value") == c.failing {
		c.mu.Unlock()
		return "", errors.New("the cloud is full")
	}
	c.serial++
	id := fmt.Sprintf("thing-%d", c.serial)
	live := provider.Values{"serial": id}
	for key, value := range in {
		live[key] = value
	}
	c.things[id] = live
	onMade := c.onMade
	c.mu.Unlock()
	if onMade != nil {
		onMade(in.Str("value"))
	}
	return id, nil
}

func (c *tinyCloud) read(_ context.Context, id string, _ provider.Values) (provider.Values, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	live, ok := c.things[id]
	if !ok {
		return nil, provider.ErrGone
	}
	out := provider.Values{}
	for key, value := range live {
		out[key] = value
	}
	return out, nil
}

func (c *tinyCloud) update(_ context.Context, change provider.Change) error {
	c.set(change.ID, change.New.Str("value"))
	return nil
}

func (c *tinyCloud) delete(_ context.Context, id string, _ provider.Values) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.things, id)
	return nil
}

func (c *tinyCloud) set(id, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.things[id]["value"] = value
}

// change sets how creations behave from now on.
func (c *tinyCloud) change(set func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set()
}

// values returns what the things hold, sorted.
func (c *tinyCloud) values() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []string{}
	for _, live := range c.things {
		out = append(out, live.Str("value"))
	}
	slices.Sort(out)
	return out
}

func (c *tinyCloud) provider() provider.Package {
	thing := provider.Type{
		Props: map[string]provider.Prop{
			"value": {Required: true}, "kind": {Replace: true}, "after": {InputOnly: true}, "serial": {Output: true},
		},
		Create: c.create, Read: c.read, Update: c.update, Delete: c.delete,
	}
	return provider.Package{
		Name: "tiny",
		Configure: func(context.Context, provider.Values) (*provider.Instance, error) {
			return &provider.Instance{Types: map[string]provider.Type{"tiny:index:Thing": thing}}, nil
		},
	}
}

// fixture is a project in a folder of its own with a tiny cloud.
type fixture struct {
	cloud   *tinyCloud
	dir     workdir.Dir
	options Options
	mu      sync.Mutex
	said    []string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	pulumi, err := FindPulumi(t.Context(), workdir.Dir(root), func(title string) func() {
		t.Log(title)
		return func() {}
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{cloud: &tinyCloud{things: map[string]provider.Values{}}, dir: workdir.Dir(t.TempDir())}
	f.copy(t, filepath.Join(root, "go.mod"), "go.mod")
	f.copy(t, filepath.Join(root, "go.sum"), "go.sum")
	f.copy(t, filepath.Join("testdata", "program", "main.go"), "main.go")
	f.copy(t, filepath.Join("testdata", "Pulumi.yaml"), "Pulumi.yaml")
	f.configure(t, thing{Name: "first", Value: "a"})

	journal := provider.NewJournal()
	build := filepath.Join(os.TempDir(), "webstack-engine-test") // shared, so that the program is linked once
	f.options = Options{
		Dir: f.dir, Stack: "local", Pulumi: pulumi, CloudID: "first life", Created: journal.Created, Say: f.say,
		Env: map[string]string{
			"PULUMI_DEBUG_PROVIDERS": serve(t, "tiny", func(ctx context.Context, l net.Listener) error {
				return provider.Serve(ctx, l, f.cloud.provider(), journal)
			}),
			"PULUMI_DEBUG_LANGUAGES": serve(t, "go", func(ctx context.Context, l net.Listener) error {
				return langhost.Serve(ctx, l, build)
			}),
		},
	}
	return f
}

func (f *fixture) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *fixture) saying() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%q", f.said)
}

func (f *fixture) copy(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(string(f.dir), to), data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// thing is what the test program is told to make.
type thing struct {
	Name, Value, Kind string
	Protect, Retain   bool
}

func (f *fixture) configFile() string { return filepath.Join(string(f.dir), "Pulumi.local.yaml") }

// configure writes the stack's config. The salt belongs to Passphrase.
func (f *fixture) configure(t *testing.T, things ...thing) {
	t.Helper()
	list, err := json.Marshal(things)
	if err != nil {
		t.Fatal(err)
	}
	content := "# things to make\nencryptionsalt: v1:6UHEv0vjrlc=:v1:x/IQJZzSfK3PXoUl:icestStf/McIpfWuhmecjr6hItqjqw==\n" +
		"config:\n  shop:things:   " + string(list) + " # all of them\n"
	if err := os.WriteFile(f.configFile(), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) open(t *testing.T) *Stack {
	t.Helper()
	stack, err := Open(t.Context(), f.options)
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

// serve serves one part of the cloud until the test ends and returns what attaches an engine to it.
func serve(t *testing.T, name string, run func(context.Context, net.Listener) error) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- run(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve %s: %v", name, err)
		}
	})
	return fmt.Sprintf("%s:%d", name, listener.Addr().(*net.TCPAddr).Port)
}
