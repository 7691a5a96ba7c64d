package backup

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/internal/filelock"
)

// oddities are what a database may have besides plain tables.
var oddities = []string{
	`CREATE EXTENSION citext`, `CREATE EXTENSION pgcrypto`,
	`ALTER DATABASE shop SET work_mem = '9MB'`, `ALTER ROLE shop IN DATABASE shop SET search_path = 'x'`,
	`REVOKE CONNECT ON DATABASE shop FROM PUBLIC`, `SET ROLE shop`,
	`CREATE TABLE x (x int, "we ird" text, f float8, at timestamptz, i interval, m money, b bytea, j jsonb)`,
	`INSERT INTO x SELECT n, 'row' || n, random(), now(), '1 day', n, '\x00ff', '{"a": 1}' FROM generate_series(1, 50) n`,
	`CREATE TABLE "Empty" ()`, `INSERT INTO "Empty" DEFAULT VALUES`, `CREATE UNLOGGED TABLE u AS SELECT 1 AS one`,
	`CREATE TABLE p (id bigserial, d date) PARTITION BY RANGE (d)`,
	`CREATE TABLE p26 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`,
	`INSERT INTO p (d) VALUES ('2026-02-03'), ('2026-02-04')`, `CREATE INDEX ON p (d)`,
	`CREATE TABLE child () INHERITS (x)`, `INSERT INTO child VALUES (7)`,
	`CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM x`, `INSERT INTO x VALUES (0)`,
	`CREATE VIEW v AS SELECT * FROM x WHERE "we ird" IN ('a', 'b')`,
	`CREATE FUNCTION f(a int, VARIADIC b text[]) RETURNS int LANGUAGE sql AS 'SELECT a'`,
	`CREATE TYPE mood AS ENUM ('good')`, `CREATE DOMAIN positive AS int CHECK (VALUE > 0)`,
	`ALTER TABLE x ENABLE ROW LEVEL SECURITY`,
	`ALTER TABLE x ADD CONSTRAINT later CHECK (x < 10) NOT VALID`,
	`CREATE SEQUENCE down INCREMENT -1`, `SELECT nextval('down')`,
	`CREATE SCHEMA "my schema"`, `CREATE TABLE "my schema"."my table" AS SELECT 'a' AS t`,
	`CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
	`CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tr()`,
	`SELECT lo_from_bytea(0, 'hello')`, `SELECT lo_put(lo_create(0), 100000, 'after a hole')`,
	`RESET ROLE`,
}

func TestEverythingIsVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.psql("shop", oddities...)
	out := w.must()
	if !strings.Contains(out, "3 of 3 databases verified\n") || strings.Contains(out, "warning") {
		t.Errorf("printed:\n%s", out)
	}
	m := w.newest("shop")
	if m.App != "shop" || m.Database.Owner != "shop" || m.Postgres.Image != "postgres:test" || m.Rows() != 500+52+1+1+2+1 ||
		len(m.Database.Tables) != 7 || len(m.Database.Extensions) != 3 || m.Database.LargeObjects.Rows != 2 ||
		!slices.Contains(m.Database.Settings, "work_mem=9MB") || !slices.Contains(m.Database.Settings, "shop: search_path=x") ||
		slices.Contains(m.Database.Grants, "CONNECT to PUBLIC") || len(m.Database.Sequences) != 3 {
		t.Errorf("the manifest is %s", m.Encode())
	}
	if app := w.newest("app"); app.App != "" || app.Rows() != 0 {
		t.Errorf("the manifest of the default database is %s", app.Encode())
	}
	first, _ := w.store.get(contract.BackupKey(m.ID, "shop", contract.BackupManifest))
	original, err := contract.DecodeBackup(first)
	if err != nil || original.ID != m.ID || original.Object.SHA256 != m.Object.SHA256 {
		t.Errorf("the manifest of the run is %s, %v", first, err)
	}
	for _, o := range []contract.BackupObject{m.Object, m.Globals, original.Object, original.Globals} {
		if content, ok := w.store.get(o.Key); !ok || contract.Sum(content) != o.SHA256 || int64(len(content)) != o.Bytes {
			t.Errorf("%s has %d bytes", o.Key, len(content))
		}
	}
	if len(w.store.keys(contract.BackupManifest)) != 6 || len(w.store.keys(contract.BackupFailed)) != 0 {
		t.Errorf("stored %q", w.store.keys(""))
	}
}

// An app goes on writing while its database is backed up.
func TestLiveDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.psql("shop", `CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN FOR n IN 1..100000 LOOP
		INSERT INTO orders (t) VALUES (n); DELETE FROM orders WHERE id = n; COMMIT; END LOOP; END'`)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := server{run: w.engine, container: contract.PostgresService, user: "owner"}
		_, _ = s.exec(t.Context(), "shop", "CALL work()")
	}()
	for w.psql("shop", "SELECT last_value > 600 FROM orders_id_seq") != "t" {
		time.Sleep(10 * time.Millisecond)
	}
	w.must("shop")
	w.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop' AND pid <> pg_backend_pid()")
	<-done
	if m := w.newest("shop"); m.Rows() < 400 || m.Database.Sequences[0].LastValue < 600 {
		t.Errorf("the manifest is %s", m.Encode())
	}
}

// What is in the bucket is what is verified: each change of it is found.
func TestDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("shop")
	good := w.newest("shop").ID
	flip := func(at func(size int) int) func([]byte) []byte {
		return func(text []byte) []byte { text[at(len(text))] ^= 1; return text }
	}
	for name, damage := range map[string]struct {
		object string
		change func([]byte) []byte
	}{
		"first byte":    {contract.BackupDump, flip(func(int) int { return 0 })},
		"a third":       {contract.BackupDump, flip(func(n int) int { return n / 3 })},
		"last byte":     {contract.BackupDump, flip(func(n int) int { return n - 1 })},
		"cut":           {contract.BackupDump, func(text []byte) []byte { return text[:len(text)/2] }},
		"one byte less": {contract.BackupDump, func(text []byte) []byte { return text[:len(text)-1] }},
		"one byte more": {contract.BackupDump, func(text []byte) []byte { return append(text, 0) }},
		"empty":         {contract.BackupDump, func([]byte) []byte { return nil }},
		"a role":        {contract.BackupGlobals, flip(func(n int) int { return n / 2 })},
		"no roles":      {contract.BackupGlobals, func([]byte) []byte { return nil }},
	} {
		w.store.damage = func(key string, content []byte) []byte {
			if strings.HasSuffix(key, "/"+damage.object) {
				return damage.change(content)
			}
			return content
		}
		if out, err := w.backup("shop"); err == nil || !strings.Contains(out, "0 of 1 database verified") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if manifests := w.store.keys("shop/" + contract.BackupManifest); len(manifests) != 2 || w.newest("shop").ID != good {
		t.Errorf("there are the manifests %q", manifests)
	}
}

// A row that changes between dump and comparison is found, whatever kind of change it is.
func TestOtherRowsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.psql("shop", `CREATE TABLE empty (x int)`, `CREATE VIEW v AS SELECT 1 AS one`)
	for change, want := range map[string]string{
		"UPDATE orders SET t = 'x' WHERE id = 7":   "the table public.orders has 500 rows, but other ones",
		"DELETE FROM orders WHERE id = 7":          "has 499 rows instead of 500",
		"INSERT INTO empty VALUES (NULL)":          "the table public.empty has 1 rows instead of 0",
		"DROP TABLE empty":                         "the table public.empty is missing",
		"SELECT setval('orders_id_seq', 7)":        "the sequence public.orders_id_seq is at 7 instead of 500",
		"ALTER TABLE orders OWNER TO owner":        "have other names or owners",
		"DROP VIEW v":                              "functions and so on instead of",
		"ALTER DATABASE shop OWNER TO blog":        `the owner is "blog", not "shop"`,
		"ALTER DATABASE shop SET work_mem = '9MB'": `the settings is "work_mem=9MB"`,
		"CREATE EXTENSION citext":                  "there are 2 extensions instead of 1",
		"SELECT lo_from_bytea(0, 'x')":             "the large objects differ: 1 instead of 0",
		"UPDATE orders SET t = t":                  "",
	} {
		w.after = func(container string, args []string) {
			if args[0] == "pg_restore" {
				s := server{run: w.engine, container: container, user: "owner"}
				if _, err := s.exec(t.Context(), "shop", change); err != nil {
					t.Errorf("%s: %v", change, err)
				}
			}
		}
		out, err := w.backup("shop")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(out, want)) {
			t.Errorf("%s: %v\n%s", change, err, out)
		}
	}
}

// One database that cannot be backed up does not stop the others, and why is stored.
func TestOneFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	refuse := func(call, end string) func() {
		return func() {
			w.store.fail = func(c, key string) error {
				if c == call && strings.HasSuffix(key, end) {
					return errors.New("AccessDenied")
				}
				return nil
			}
		}
	}
	program := func(name string) func() {
		return func() {
			w.before = func(_ string, args []string) error {
				if slices.Contains(args, name) && w.store.version > 3 { // not of the first database
					return errors.New("it was killed")
				}
				return nil
			}
		}
	}
	for name, c := range map[string]struct {
		break_ func()
		want   string
	}{
		"dump is refused":     {refuse("put", "shop/data.dump"), "AccessDenied"},
		"manifest is refused": {refuse("put", "shop/manifest.json"), "AccessDenied"},
		"copy is refused":     {refuse("copy", "newest/shop/data.dump"), "it is verified but will expire"},
		"database is missing": {func() { w.psql("postgres", "ALTER DATABASE shop RENAME TO gone") }, `database "shop" does not exist`},
		"pg_dump":             {program("pg_dump"), "it was killed"},
		"pg_amcheck":          {program("pg_amcheck"), "it was killed"},
	} {
		w.store = &memory{}
		c.break_()
		out, err := w.backup()
		if err == nil || !strings.Contains(out, c.want) || !strings.Contains(out, "blog: restored and verified") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		w.before, w.store.fail = nil, nil
		if name == "database is missing" {
			w.psql("postgres", "ALTER DATABASE gone RENAME TO shop")
		}
		failures := w.store.keys("shop/" + contract.BackupFailed)
		if len(failures) != 1 {
			t.Errorf("%s: there are the failures %q", name, failures)
			continue
		}
		text, _ := w.store.get(failures[0])
		if f, err := contract.DecodeBackupFailure(text); err != nil || f.Database != "shop" || !strings.Contains(f.Error, c.want) {
			t.Errorf("%s: the failure is %s, %v", name, text, err)
		}
	}
}

func TestNoRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.free.Store(700 << 20)
	out, err := w.backup("shop")
	if err == nil || !strings.Contains(out, "on the data volume, and 700.0 MiB are free, so ") || !strings.Contains(out, "raise dataVolumeSize") {
		t.Errorf("%v\n%s", err, out)
	}
	if len(w.store.keys(contract.BackupDump)) > 0 {
		t.Error("it was dumped anyway")
	}
	// The volume fills up while the dump is restored.
	w.free.Store(1 << 40)
	w.after = func(_ string, args []string) {
		if args[0] == "pg_restore" {
			w.free.Store(1 << 20)
			time.Sleep(time.Second)
		}
	}
	if out, err := w.backup("shop"); err == nil || !strings.Contains(out, "the data volume is nearly full: only 1.0 MiB are free") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A dump that shrinks is a warning with both figures, not a failure.
func TestShrunk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("shop")
	before := w.newest("shop")
	w.psql("shop", "DELETE FROM orders WHERE id > 100")
	out := w.must("shop")
	m := w.newest("shop")
	if len(m.Warnings) != 2 || m.Warnings[1] != "there are 100 rows, and 500 in the backup "+before.ID ||
		!strings.Contains(m.Warnings[0], size(m.Object.Bytes)+", and "+size(before.Object.Bytes)) ||
		!strings.Contains(out, "shop: warning: "+m.Warnings[1]) {
		t.Errorf("warned %q\n%s", m.Warnings, out)
	}
	w.psql("shop", "DELETE FROM orders WHERE id > 60")
	if w.must("shop"); len(w.newest("shop").Warnings) != 0 {
		t.Errorf("warned %q", w.newest("shop").Warnings)
	}
}

// The next run removes what a killed one has left, and nothing else.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	left := filepath.Join(w.dumps(), "20261129T031500Z", "server")
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.start(contract.BackupVerifyContainer, "owner"); err != nil {
		t.Fatal(err)
	}
	s := server{run: w.engine, container: contract.PostgresService, user: "owner"}
	session, err := s.open(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer session.close()
	w.must("shop")
	if _, err := session.query("SELECT 1"); err == nil {
		t.Error("the connection of the killed run is left")
	}
}

// Backups wait for each other, and for migrations of the database.
func TestWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, want := range map[string]string{
		contract.BackupLockPath: "waiting for another backup to finish", contract.DatabaseLockPath("shop"): "shop: waiting for a migration",
	} {
		if err := os.MkdirAll(filepath.Join(w.dir, contract.StateDir), 0o755); err != nil {
			t.Fatal(err)
		}
		release, err := filelock.Acquire(t.Context(), filepath.Join(w.dir, path), nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(4*time.Second, release) // a busy computer takes a while to come that far
		if out := w.must("shop"); !strings.Contains(out, want) {
			t.Errorf("%s: printed:\n%s", path, out)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if out, err := w.backup("wiki"); err == nil || !strings.Contains(out, "find app wiki: the stack on this host has no such app") {
		t.Errorf("%v\n%s", err, out)
	}
	w.write(contract.Manifest{PostgresUser: "owner", ExternalPostgres: true})
	if out, err := w.backup(); err == nil || !strings.Contains(out, "back up an external Postgres: this version") {
		t.Errorf("%v\n%s", err, out)
	}
	w.write(contract.Manifest{PostgresUser: "nobody"})
	if out, err := w.backup(); err == nil || !strings.Contains(out, `connect to Postgres: `) || len(w.store.objects) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if err := Run(t.Context(), Options{StackDir: filepath.Join(w.dir, "none")}); err == nil || !strings.Contains(err.Error(), "run pulumi up") {
		t.Errorf("without a stack directory: %v", err)
	}
}

// What is printed can be followed.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("blog")
	logs, err := filepath.Glob(filepath.Join(w.dir, contract.BackupLogsDir, "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("%q, %v", logs, err)
	}
	var out bytes.Buffer
	id := strings.TrimSuffix(filepath.Base(logs[0]), ".log")
	if err := Watch(w.dir, id, 0, &out); err != nil || out.String() != w.out.String() {
		t.Errorf("watched %q, %v, printed %q", out.String(), err, w.out.String())
	}
}
