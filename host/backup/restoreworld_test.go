package backup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
)

// host is a host with the apps shop and shop_prod, whose backups are in a bucket in memory.
type host struct {
	*testing.T
	engine *engine
	store  *memory
	dir    string
	free   atomic.Int64
	runs   int
	out    bytes.Buffer

	mu          sync.Mutex
	maintenance map[string]bool
	halted      map[string]bool
	// unhealthy is asked when an app is to start.
	unhealthy func(app string) error
	// left is how many more calls have an effect, until the process is killed; less than 0 for no limit.
	left  int
	dead  bool
	calls []string
}

const (
	shop    = "shop"
	similar = "shop_prod"
	firstID = "20261129T031500Z"
	lastID  = "20261130T031500Z"
)

// superuser is that of the server.
const superuser = "owner"

var errKilled = errors.New("killed")

func newHost(t *testing.T) *host {
	h := &host{
		T: t, engine: newEngine(t), store: &memory{}, dir: t.TempDir(), left: -1,
		maintenance: map[string]bool{}, halted: map[string]bool{},
	}
	h.free.Store(100 << 30)
	h.store.fail = func(call, key string) error { return h.step(call + " " + key) }
	m := contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "dev", Region: "eu-central-1", StackDir: h.dir,
		PostgresUser: superuser, PostgresDefaultDb: "app", Web: contract.Web{Connections: 1, ConnectionsPerAddress: 1},
	}
	for _, app := range []struct{ name, database string }{{"prod", similar}, {shop, shop}} {
		m.Apps = append(m.Apps, contract.ManifestApp{
			Name: app.name, Domain: app.name + ".example.com", Port: 3000, HealthPath: "/", Database: app.database, MemoryMb: 64,
			Repository:          "123456789012.dkr.ecr.eu-central-1.amazonaws.com/" + app.name,
			StartTimeoutSeconds: 10, DrainTimeoutSeconds: 10, StopGraceSeconds: 10,
		})
	}
	file := filepath.Join(h.dir, contract.ManifestPath)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, m.Encode(), 0o644)); err != nil {
		t.Fatal(err)
	}
	h.sql(database.Maintenance, "CREATE DATABASE app TEMPLATE template0", "CREATE ROLE reporting", `CREATE ROLE "od d"`)
	for _, name := range []string{shop, similar} {
		h.sql(database.Maintenance, "CREATE ROLE "+name+" LOGIN")
		h.create(name)
	}
	return h
}

// create creates a database with 1,000 rows.
func (h *host) create(name string) {
	h.Helper()
	h.sql(database.Maintenance, "CREATE DATABASE "+name+" OWNER "+name+" TEMPLATE template0",
		"REVOKE CONNECT, TEMPORARY ON DATABASE "+name+" FROM PUBLIC", "GRANT CONNECT ON DATABASE "+name+" TO reporting",
		"ALTER DATABASE "+name+" SET statement_timeout = 1", "ALTER DATABASE "+name+" SET default_transaction_read_only = on", "ALTER DATABASE "+name+` SET search_path = "$user", public`,
		"ALTER ROLE reporting IN DATABASE "+name+" SET work_mem = '5MB'", "ALTER DATABASE "+name+" CONNECTION LIMIT 30",
		"COMMENT ON DATABASE "+name+" IS 'the data of $1'")
	// What the test does through the server is not under these settings either.
	h.sql(name, "CREATE EXTENSION pg_trgm", "CREATE TABLE items (id bigserial PRIMARY KEY, name text NOT NULL)",
		"INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, 1000) n",
		"CREATE INDEX ON items USING gin (name gin_trgm_ops)", "CREATE VIEW names AS SELECT name FROM items",
		"ALTER TABLE items OWNER TO "+name, "ALTER VIEW names OWNER TO "+name, `GRANT SELECT ON items TO reporting, "od d"`,
		"SELECT lo_from_bytea(0, 'large')")
}

// sql runs statements that succeed.
func (h *host) sql(database string, statements ...string) string {
	h.Helper()
	out, err := h.server().exec(h.Context(), database, statements...)
	if err != nil {
		h.Fatal(err)
	}
	return out
}

// server is the server for what the test itself does.
func (h *host) server() server {
	return server{run: h.engine, container: contract.PostgresService, user: superuser}
}

// step counts what the process does, and ends when it is killed.
func (h *host) step(what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left == 0 {
		h.dead = true
		return errKilled
	}
	h.left--
	h.calls = append(h.calls, what)
	return nil
}

// Run implements command.Runner.
func (h *host) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if err := h.step(strings.Join(c.Args, " ")); err != nil {
		return nil, err
	}
	if low := lowly(); slices.Contains(c.Args, low[0]) { // other tests would come first
		i := slices.Index(c.Args, low[0])
		c.Args = slices.Concat(c.Args[:i], c.Args[i+len(low):])
	}
	return h.engine.Run(ctx, c)
}

func (h *host) InMaintenance(app string) (bool, error) {
	return h.maintenance[app], h.step("in maintenance")
}

func (h *host) Maintain(_ context.Context, app string, on bool, _ string) error {
	if err := h.step("maintain"); err != nil {
		return err
	}
	h.maintenance[app] = on
	return nil
}

func (h *host) Halt(_ context.Context, app string) error {
	if err := h.step("halt"); err != nil {
		return err
	}
	h.halted[app] = true
	return nil
}

func (h *host) Resume(_ context.Context, app string) error {
	if err := h.step("resume"); err != nil {
		return err
	}
	if h.unhealthy != nil {
		if err := h.unhealthy(app); err != nil {
			return err
		}
	}
	delete(h.halted, app)
	return nil
}

func (h *host) options(apps ...string) Options {
	return Options{
		StackDir: h.dir, Apps: apps, Run: h, Dir: filepath.Join(h.dir, "dumps"), Out: &h.out,
		Store: func(context.Context, string) (Store, error) { return h.store, nil },
		Space: func(string) (int64, int64, error) { return 200 << 30, h.free.Load(), nil },
	}
}

func (h *host) manifest() contract.Manifest {
	h.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, contract.ManifestPath))
	if err != nil {
		h.Fatal(err)
	}
	m, err := contract.DecodeManifest(text)
	if err != nil {
		h.Fatal(err)
	}
	return m
}

func (h *host) record() string { return filepath.Join(h.dir, "restore.json") }

// backup makes a backup of a database with an ID. It leaves out what the tests of backups cover: its verification.
func (h *host) backup(id, app, database string) {
	h.Helper()
	if err := h.makeBackup(id, app, database); err != nil {
		h.Fatal(err)
	}
}

func (h *host) makeBackup(id, app, database string) error {
	root, err := os.OpenRoot(h.dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(contract.StateDir, 0o755); err != nil {
		return err
	}
	b := &run{Options: h.options(), out: io.Discard}
	ctx := h.Context()
	if _, err := b.begin(ctx, root); err != nil {
		return err
	}
	defer b.end(ctx)
	b.id = id
	if b.globals.Key = contract.BackupRunPrefix(id) + contract.BackupGlobals; h.store.objects[b.globals.Key] == nil {
		if _, err := b.putGlobals(ctx); err != nil {
			return err
		}
	} else {
		text := h.store.objects[b.globals.Key]
		b.globals.Bytes, b.globals.SHA256 = int64(len(text)), contract.Sum(text)
	}
	t := target{app, database}
	d, err := b.dump(ctx, t)
	if err != nil {
		return err
	}
	if err := b.upload(ctx, t, d); err != nil {
		return err
	}
	at, err := contract.ParseBackupID(id)
	if err != nil {
		return err
	}
	m := contract.Backup{
		Version: contract.BackupVersion, ID: id, Project: "webstack", Stack: "dev", App: app, StartedAt: at,
		SnapshotAt: at.Add(time.Minute), FinishedAt: at.Add(2 * time.Minute), Webstack: "test",
		Postgres: contract.BackupServer{Version: b.version, Image: "postgres:test", ImageID: "sha256:test"},
		Database: d.contents, Object: d.object, Globals: b.globals,
		Verify: contract.BackupVerification{Method: contract.VerifiedByRestore, At: at.Add(2 * time.Minute)},
	}
	if err := b.commit(ctx, m); err != nil {
		return err
	}
	return b.keepNewest(ctx, m)
}

// restore runs a restore and returns what it printed.
func (h *host) restore(o RestoreOptions, apps ...string) (string, error) {
	h.Helper()
	h.out.Reset()
	h.calls, h.dead = nil, false
	o, told := h.restoreOptions(o, apps...), false
	o.Failed = tellOnce(h.T, &told)
	err := Restore(h.Context(), o)
	if told != (err != nil) {
		h.Errorf("%v, but people were told: %v", err, told)
	}
	return h.out.String(), err
}

func (h *host) restoreOptions(o RestoreOptions, apps ...string) RestoreOptions {
	o.Options, o.Record = h.options(apps...), h.record()
	h.runs++
	at := time.Date(2026, 12, 1, 0, 0, h.runs, 0, time.UTC) // each run has an ID of its own
	o.Now = func() time.Time { return at }
	o.Containers = func(context.Context, *os.Root, contract.Manifest, io.Writer) (RestoreApps, error) { return h, nil }
	return o
}

// restores runs a restore that succeeds.
func (h *host) restores(o RestoreOptions, apps ...string) string {
	h.Helper()
	out, err := h.restore(o, apps...)
	if err != nil {
		h.Fatalf("%v\n%s", err, out)
	}
	return out
}

// fails runs a restore that is refused or fails, with a text in the reason, and leaves everything as it was.
func (h *host) fails(want string, o RestoreOptions, apps ...string) {
	h.Helper()
	was := h.all()
	out, err := h.restore(o, apps...)
	if !errors.Is(err, ErrRestoreFailed) || !strings.Contains(out, want) {
		h.Errorf("error %v, want %q in\n%s", err, want, out)
	}
	if now := h.all(); now != was {
		h.Errorf("%s: the databases were\n%s\nand are\n%s", want, was, now)
	}
	h.isClean()
}

// contents returns what a database has, with settings and grants.
func (h *host) contents(database string) string {
	h.Helper()
	text, err := describe(h.Context(), h.server(), database)
	if err != nil {
		h.Fatal(err)
	}
	return text
}

func describe(ctx context.Context, from server, database string) (string, error) {
	s, err := from.open(ctx, database)
	if err != nil {
		return "", err
	}
	defer s.close()
	d, err := s.contents()
	if err != nil {
		return "", err
	}
	d.Bytes = 0
	more, err := s.query("SELECT datconnlimit, datallowconn, shobj_description(oid, 'pg_database') FROM pg_database " +
		"WHERE datname = current_database()")
	return string(contract.Backup{Database: d}.Encode()) + more, err
}

// all returns what all databases have.
func (h *host) all() string {
	h.Helper()
	var all strings.Builder
	for name := range strings.Lines(h.names()) {
		all.WriteString(name + h.contents(strings.TrimSpace(name)))
	}
	return all.String()
}

func (h *host) names() string {
	h.Helper()
	return h.sql(database.Maintenance, "SELECT datname FROM pg_database WHERE datname <> 'template0' ORDER BY 1")
}

// isClean checks that nothing is left of a restore: its files, its copy, its record and the maintenance page.
func (h *host) isClean() {
	h.Helper()
	if left, _ := filepath.Glob(filepath.Join(h.dir, "dumps", "*")); len(left) > 0 {
		h.Errorf("files are left: %s", left)
	}
	if names := h.names(); strings.Contains(names, restoring) {
		h.Errorf("copies are left:\n%s", names)
	}
	if _, err := os.Stat(h.record()); err == nil {
		h.Error("the record is left")
	}
	if h.maintenance[shop] || h.halted[shop] {
		h.Errorf("in maintenance: %v, halted: %v", h.maintenance, h.halted)
	}
}
