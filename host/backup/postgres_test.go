package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
	"webstack/internal/tooltest"
)

// engine stands for Docker: its containers are real servers of the Postgres that is installed here.
type engine struct {
	t   *testing.T
	bin string

	mu      sync.Mutex
	servers map[string]*process // by the container's name
	// before, if not nil, sees each program that is about to run in a container, and its error is the program's.
	before func(container string, args []string) error
	// after sees each program that has run.
	after func(container string, args []string)
}

// process is a running server.
type process struct {
	cmd       *exec.Cmd
	dir, port string
}

// newEngine starts a container "postgres" with the superuser "owner".
func newEngine(t *testing.T) *engine {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		tooltest.Missing(t, "Postgres is not installed")
	}
	e := &engine{t: t, bin: filepath.Dir(found[len(found)-1]), servers: map[string]*process{}}
	t.Cleanup(func() {
		for _, name := range []string{contract.PostgresService, contract.BackupVerifyContainer} {
			e.remove(name)
		}
	})
	if err := e.start(contract.PostgresService, "owner"); err != nil {
		t.Fatal(err)
	}
	s := server{run: e, container: contract.PostgresService, user: "owner"}
	for range 300 {
		if _, err := s.exec(t.Context(), database.Template, "SELECT 1"); err == nil {
			return e
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("Postgres does not answer")
	return nil
}

// start sets up and starts a server. It does not wait.
func (e *engine) start(name, superuser string) error {
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // another user must be able to enter it
	if err != nil {
		return err
	}
	as := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 { // Postgres does not run as root
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		uid, _ := strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // the system's
		if err := os.Chown(dir, uid, gid); err != nil {
			return err
		}
	}
	if err := e.initialize(dir, superuser, as); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	cmd := exec.Command(filepath.Join(e.bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB")
	cmd.SysProcAttr, cmd.Dir = as, dir
	if err := cmd.Start(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers[name] = &process{cmd: cmd, dir: dir, port: port}
	return nil
}

// initialized is a data directory to copy, because initdb takes seconds.
var initialized struct {
	sync.Once
	dir string
	err error
}

// initialize makes a data directory with a superuser.
func (e *engine) initialize(dir, superuser string, as *syscall.SysProcAttr) error {
	if superuser != "owner" {
		return fmt.Errorf("only owner can be a superuser here, not %s", superuser)
	}
	run := func(name string, args ...string) error {
		cmd := exec.Command(name, args...)
		cmd.SysProcAttr, cmd.Dir = as, dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	initialized.Do(func() {
		initialized.dir = dir + "-template"
		if initialized.err = os.Mkdir(initialized.dir, 0o777); initialized.err != nil {
			return
		}
		initialized.err = os.Chmod(initialized.dir, 0o777) //nolint:gosec // for the user of Postgres
		if initialized.err == nil {
			initialized.err = run(filepath.Join(e.bin, "initdb"), "--username="+superuser, "--auth=trust", "--no-sync",
				"--data-checksums", filepath.Join(initialized.dir, "data"))
		}
	})
	if initialized.err != nil {
		return initialized.err
	}
	return run("cp", "-a", filepath.Join(initialized.dir, "data"), filepath.Join(dir, "data"))
}

func (e *engine) remove(name string) bool {
	e.mu.Lock()
	p := e.servers[name]
	delete(e.servers, name)
	e.mu.Unlock()
	if p == nil {
		return false
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	_ = p.cmd.Wait()
	_ = os.RemoveAll(p.dir)
	return true
}

// Run implements command.Runner.
func (e *engine) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if c.Name != "docker" {
		return nil, fmt.Errorf("unexpected program %s", c.Name)
	}
	name := c.Args[len(c.Args)-1]
	switch verb := c.Args[0]; verb {
	case "exec":
		return e.exec(ctx, c)
	case "inspect":
		if strings.Contains(c.Args[2], "Config.Image") {
			return []byte("postgres:test sha256:" + contract.Sum(nil)), nil
		}
		return []byte("true\n"), nil
	case "rm":
		if !e.remove(name) {
			return nil, &command.ExitError{Program: "docker rm", Code: 1, Message: "Error: No such container: " + name}
		}
		return nil, nil
	case "run":
		user := c.Args[slices.IndexFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, "POSTGRES_USER=") })]
		return nil, e.start(contract.BackupVerifyContainer, strings.TrimPrefix(user, "POSTGRES_USER="))
	case "logs":
		return nil, nil
	default:
		return nil, fmt.Errorf("unexpected docker %s", verb)
	}
}

// exec runs a program here that would run in a container.
func (e *engine) exec(ctx context.Context, c command.Command) ([]byte, error) {
	args, local := c.Args[1:], command.Command{Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr}
	for strings.HasPrefix(args[0], "--") {
		if args[0] == "--env" {
			local.Env = append(local.Env, args[1])
			args = args[1:]
		}
		args = args[1:]
	}
	container := args[0]
	e.mu.Lock()
	p, before, after := e.servers[container], e.before, e.after
	e.mu.Unlock()
	if p == nil {
		return nil, &command.ExitError{Program: "docker exec", Code: 1, Message: "Error: No such container: " + container}
	}
	if before != nil {
		if err := before(container, args[1:]); err != nil {
			return nil, err
		}
	}
	local.Name, local.Args = args[1], args[2:]
	local.Env = append(local.Env, "PGPORT="+p.port, "PATH="+e.bin+":"+os.Getenv("PATH"))
	if path := filepath.Join(e.bin, local.Name); local.Name != "nice" {
		local.Name = path
	}
	out, err := command.Exec{}.Run(ctx, local)
	if after != nil {
		after(container, args[1:])
	}
	return out, err
}

// world is a stack directory with the apps shop and blog, and a bucket.
type world struct {
	*engine
	dir   string
	store *memory
	free  atomic.Int64
	now   time.Time
	out   bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{engine: newEngine(t), dir: t.TempDir(), store: &memory{}, now: time.Now()}
	w.free.Store(1 << 40)
	w.write(contract.Manifest{PostgresUser: "owner"})
	w.psql("postgres", `CREATE ROLE shop LOGIN PASSWORD 'canary-password'`, `GRANT shop TO owner`, `CREATE ROLE blog LOGIN`,
		`CREATE DATABASE shop OWNER shop TEMPLATE template0`, `CREATE DATABASE blog OWNER blog TEMPLATE template0`,
		`CREATE DATABASE app TEMPLATE template0`)
	w.psql("shop", `SET ROLE shop`, `CREATE TABLE orders (id serial PRIMARY KEY, t text)`,
		`INSERT INTO orders (t) SELECT md5(n::text) FROM generate_series(1, 500) n`)
	return w
}

// write writes the manifest of the stack.
func (w *world) write(m contract.Manifest) {
	w.t.Helper()
	m.Version, m.Project, m.Stack, m.Region = contract.Version, "webstack", "dev", "eu-central-1"
	m.StackDir, m.PostgresDefaultDb = contract.DefaultStackDir, "app"
	for _, app := range []string{"blog", "shop"} {
		m.Apps = append(m.Apps, contract.ManifestApp{
			Name: app, Domain: app + ".example.com", Port: 80, HealthPath: "/", Repository: "registry/" + app, Database: app,
			MemoryMb: 64, StartTimeoutSeconds: 1, StopGraceSeconds: 1,
		})
	}
	name := filepath.Join(w.dir, contract.ManifestPath)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(name, m.Encode(), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) psql(database string, statements ...string) string {
	w.t.Helper()
	s := server{run: w.engine, container: contract.PostgresService, user: "owner"}
	out, err := s.exec(w.t.Context(), database, statements...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// dumps is where the backups have their files.
func (w *world) dumps() string { return filepath.Join(w.dir, "dumps") }

// backup backs up apps, and expects that nothing is left on the host.
func (w *world) backup(apps ...string) (string, error) {
	w.t.Helper()
	if err := os.MkdirAll(w.dumps(), 0o755); err != nil {
		w.t.Fatal(err)
	}
	w.out.Reset()
	w.now = w.now.Add(time.Second) // each run has an ID of its own
	told := false
	err := Run(w.t.Context(), Options{
		StackDir: w.dir, Apps: apps, Run: w.engine, Dir: w.dumps(), Out: &w.out, Now: func() time.Time { return w.now },
		Space: func(string) (int64, int64, error) { return 1 << 40, w.free.Load(), nil },
		Store: func(context.Context, string) (Store, error) { return w.store, nil }, Failed: tellOnce(w.t, &told),
	})
	if told != (err != nil) {
		w.t.Errorf("%v, but people were told: %v", err, told)
	}
	if err != nil && !errors.Is(err, ErrFailed) {
		w.t.Fatalf("%v\n%s", err, w.out.String())
	}
	if strings.Contains(w.out.String(), "canary-password") {
		w.t.Errorf("printed a password:\n%s", w.out.String())
	}
	entries, _ := os.ReadDir(w.dumps())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.servers[contract.BackupVerifyContainer] != nil || len(entries) > 0 {
		w.t.Errorf("left on the host: %v\n%s", entries, w.out.String())
	}
	return w.out.String(), err
}

// tellOnce returns what tells people of a failure, which is to happen once.
func tellOnce(t *testing.T, told *bool) func(context.Context, contract.Manifest, string, io.Writer) {
	return func(_ context.Context, m contract.Manifest, reason string, _ io.Writer) {
		if *told || reason == "" || m.Project == "" || strings.Contains(reason, "canary-password") {
			t.Errorf("people were told of %q", reason)
		}
		*told = true
	}
}

// must is backup, which must succeed.
func (w *world) must(apps ...string) string {
	w.t.Helper()
	out, err := w.backup(apps...)
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// newest returns the manifest of the newest backup of a database.
func (w *world) newest(database string) contract.Backup {
	w.t.Helper()
	text, _ := w.store.get(contract.NewestBackupKey(database, contract.BackupManifest))
	m, err := contract.DecodeBackup(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}
