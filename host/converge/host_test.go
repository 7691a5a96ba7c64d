package converge

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"webstack/contract"
	"webstack/host/database"
)

const testPassword = "postgres-password-of-the-test"

// fakeHost is a host on which everything works until a test says otherwise.
type fakeHost struct {
	mu         sync.Mutex
	parameters map[string]string
	refused    map[string]error  // parameters that cannot be read by name
	fail       map[string]error  // by step: mount, swap, parameters, names, base, query, exec, converge
	calls      []string          // steps, in their order
	releases   map[string]string // given to converge
	broken     map[string]error  // apps that did not get their release
	dirs       []string          // that the containers were started from
	executed   []string          // statements
	told       []string          // to people
	room       []string          // what was done about the room on the disk, before or after so many steps
	state      string            // of roles and databases, in JSON
}

// step records a step and fails it when the test says so.
func (f *fakeHost) step(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	return f.fail[name]
}

func (f *fakeHost) host() Host {
	return Host{
		Tell: func(_ context.Context, m contract.Manifest, reason string) {
			f.told = append(f.told, m.Project+"/"+m.Stack+": "+reason)
		},
		Mount:       func(context.Context) error { return f.step("mount") },
		Swap:        func(context.Context) error { return f.step("swap") },
		Boot:        func(context.Context) error { return f.fail["boot"] },
		Heal:        func(context.Context, *os.Root, contract.Manifest) error { return f.fail["heal"] },
		HealRestore: func(context.Context, *os.Root, contract.Manifest) error { return f.step("restore") },
		Reserve:     func(*os.Root) Reserve { return fakeReserve{f} },
		Firewall:    func(context.Context, contract.Web) error { return nil },
		StackDirs:   func(context.Context) ([]string, error) { return f.dirs, f.fail["dirs"] },
		Parameters:  fakeParameters{f},
		Containers:  func(*os.Root, contract.Manifest) Containers { return fakeContainers{f} },
		Postgres: func(user, address, password string) database.Server {
			_ = f.step("postgres " + strings.Join([]string{user, address, password}, " "))
			return fakePostgres{f}
		},
		LimitConnections: func(_ context.Context, perContainer, total int) error {
			return f.step(fmt.Sprintf("limit %d %d", perContainer, total))
		},
	}
}

type fakeReserve struct{ *fakeHost }

func (f fakeReserve) Open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = append(f.room, fmt.Sprintf("open at %d", len(f.calls)))
	return f.fail["open"]
}

func (f fakeReserve) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = append(f.room, fmt.Sprintf("close at %d", len(f.calls)))
	return f.fail["close"]
}

type fakeParameters struct{ *fakeHost }

func (f fakeParameters) ByPath(_ context.Context, path string) (map[string]string, error) {
	err := f.step("parameters")
	found := map[string]string{}
	if base, ok := strings.CutSuffix(path, "/postgres"); ok {
		found[contract.PostgresPasswordParam(base)] = testPassword
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, value := range f.parameters {
		if strings.HasPrefix(name, path+"/") {
			found[name] = value
		}
	}
	return found, err
}

func (f fakeParameters) ByName(
	_ context.Context, names []string,
) (found map[string]string, failed map[string]error, err error) {
	err = f.step("names")
	f.mu.Lock()
	defer f.mu.Unlock()
	found, failed = map[string]string{}, map[string]error{}
	for _, name := range names {
		if value, ok := f.parameters[name]; ok {
			found[name] = value
		}
		if err, ok := f.refused[name]; ok {
			failed[name] = err
		}
	}
	return found, failed, err
}

type fakeContainers struct{ *fakeHost }

func (f fakeContainers) Base(context.Context) error { return f.step("base") }

func (f fakeContainers) Converge(_ context.Context, releases map[string]string) (map[string]error, error) {
	f.mu.Lock()
	f.releases = maps.Clone(releases)
	f.mu.Unlock()
	return f.broken, f.step("converge")
}

type fakePostgres struct{ *fakeHost }

// closed is a server on which nothing is left to do for a stack without apps.
const closed = `{"slots": {"most": 100, "reserved": 10}, "roles": {"postgres": {"login": true, "member": true}},
	"databases": {"postgres": {"owner": "postgres", "mine": true}, "app": {"owner": "postgres", "mine": true}}}`

func (f fakePostgres) Value(context.Context, string) (string, error) {
	err := f.step("query")
	if f.state == "" {
		return closed, err
	}
	return f.state, err
}

func (f fakePostgres) Exec(_ context.Context, statements ...string) error {
	f.mu.Lock()
	f.executed = append(f.executed, statements...)
	f.mu.Unlock()
	return f.step("exec")
}

func (f fakePostgres) Adopt(context.Context, io.Writer) error { return f.step("adopt") }

func (f fakePostgres) Differ(context.Context, map[string]string) ([]string, error) { return nil, nil }

// steps are those that were called, each once, in the order of their first call.
func (f *fakeHost) steps() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, call := range f.calls {
		if name, _, _ := strings.Cut(call, " "); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
