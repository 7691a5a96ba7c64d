package backup

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/host/database"
)

// refuses runs a restore that is refused with a text in the reason before anything else than its own copy is touched.
func (h *host) refuses(want string, o RestoreOptions, apps ...string) {
	h.Helper()
	out, err := h.restore(o, apps...)
	if !errors.Is(err, ErrRestoreFailed) || !strings.Contains(out, want) {
		h.Errorf("error %v, want %q in\n%s", err, want, out)
	}
	if i := slices.IndexFunc(h.calls, func(c string) bool { return c == "maintain" || c == "halt" }); i >= 0 {
		h.Errorf("%s: it did %s", want, h.calls[i])
	}
	h.isClean()
}

var rowsRE = regexp.MustCompile(`("rows": 1000,\s+"hash": ")-?[0-9]+`)

func TestDamagedBackupsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.backup(firstID, "prod", similar)
	was := h.all()
	dump := contract.BackupKey(firstID, shop, contract.BackupDump)
	manifest := contract.BackupKey(firstID, shop, contract.BackupManifest)
	globals := contract.BackupRunPrefix(firstID) + contract.BackupGlobals
	flip := func(at func(n int) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(len(b))] ^= 1; return b }
	}
	cut := func(percent int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:len(b)*percent/100] }
	}
	last := func(b []byte) []byte { return b[:len(b)-1] }
	first, middle, end := func(int) int { return 0 }, func(n int) int { return n / 2 }, func(n int) int { return n - 1 }
	for _, one := range []struct {
		what, key, want string
		damage          func([]byte) []byte
	}{
		{"empty", dump, "it has 0 bytes", cut(0)},
		{"cut to 1 %", dump, "bytes with", cut(1)},
		{"cut to 50 %", dump, "bytes with", cut(50)},
		{"cut to 99 %", dump, "bytes with", cut(99)},
		{"without its last byte", dump, "bytes with", last},
		{"longer", dump, "bytes with", func(b []byte) []byte { return append(b, 0) }},
		{"first byte flipped", dump, "bytes with", flip(first)},
		{"middle byte flipped", dump, "bytes with", flip(middle)},
		{"last byte flipped", dump, "bytes with", flip(end)},
		{"another object", dump, "bytes with", func([]byte) []byte { return []byte("<Error/>") }},
		{"roles flipped", globals, "bytes with", flip(middle)},
		{"roles cut", globals, "bytes with", cut(50)},
		{"empty manifest", manifest, "read the manifest", cut(0)},
		{"manifest cut", manifest, "read the manifest", cut(50)},
		{"manifest without its last bytes", manifest, "read the manifest", cut(99)},
		{"of another database", manifest, "it is the manifest of the backup " + firstID + " of shop_prod", func([]byte) []byte {
			return h.store.objects[contract.BackupKey(firstID, similar, contract.BackupManifest)]
		}},
		{"of another backup", manifest, "it is the manifest of the backup " + lastID, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(firstID), []byte(lastID))
		}},
		{"another table", manifest, "the table public.items has 1000 rows instead of 1001", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"rows": 1000`), []byte(`"rows": 1001`), 1)
		}},
		{"other rows", manifest, "1000 rows, but other ones", func(b []byte) []byte {
			return rowsRE.ReplaceAll(b, []byte("${1}12345"))
		}},
		{"a newer Postgres", manifest, "a newer major version is needed", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"version": "1`), []byte(`"version": "9`), 1)
		}},
		{"an extension that is missing", manifest, "needs the extensions postgis", func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"pg_trgm"`), []byte(`"postgis"`), 1)
		}},
	} {
		damaged := false
		h.store.damage = func(key string, content []byte) []byte {
			if key != one.key {
				return content
			}
			now := one.damage(bytes.Clone(content))
			damaged = !bytes.Equal(now, content)
			return now
		}
		h.refuses(one.want, confirmed, shop)
		if !damaged {
			t.Errorf("%s: nothing was damaged", one.what)
		}
	}
	h.store.damage = nil
	h.free.Store(1 << 20)
	h.refuses("make room for the restore", confirmed, shop)
	h.free.Store(100 << 30)
	object := h.store.objects[dump]
	delete(h.store.objects, dump)
	h.refuses("NoSuchKey", confirmed, shop)
	h.store.objects[dump] = object
	if now := h.all(); now != was {
		t.Errorf("the databases were\n%s\nand are\n%s", was, now)
	}
}

func TestMissingRolesAreNamed(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	for _, database := range []string{shop, similar} {
		h.sql(database, `REVOKE ALL ON items FROM "od d"`)
	}
	h.sql(database.Maintenance, `DROP ROLE "od d"`)
	h.refuses("needs the roles od d: they do not exist", confirmed, shop)
	h.sql(database.Maintenance, `CREATE ROLE "od d"`)
	h.restores(confirmed, shop)
}

// A client that connects again and again, even as a superuser, keeps the databases from being swapped only if it may.
func TestSessionsThatReconnect(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.sql(shop, "DELETE FROM items")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			_, _ = h.server().exec(ctx, shop, "SELECT pg_sleep(60)")
		}
	}()
	h.restores(confirmed, shop)
	stop()
	<-ended
	if got := h.sql(shop, "SELECT count(*) FROM items"); got != "1000" {
		t.Errorf("%s rows", got)
	}
}

func TestAnAppThatDoesNotStartGetsItsDataBack(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.sql(shop, "DELETE FROM items WHERE id > 10")
	h.unhealthy = func(app string) error {
		if h.sql(app, "SELECT count(*) FROM items") == "1000" {
			return errors.New("it is not healthy after 10s")
		}
		return nil
	}
	h.fails("start the app: it is not healthy after 10s", confirmed, shop)
	if got := h.sql(shop, "SELECT count(*) FROM items"); got != "10" {
		t.Errorf("%s rows", got)
	}
	h.unhealthy = func(string) error { return errors.New("broken by its own release") }
	out, err := h.restore(confirmed, shop)
	if !errors.Is(err, ErrRestoreFailed) || !strings.Contains(out, "has the data that it had, but the app does not run") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := h.sql(shop, "SELECT count(*) FROM items"); got != "10" || h.maintenance[shop] {
		t.Errorf("%s rows, in maintenance: %v", got, h.maintenance)
	}
}

// A restore must be possible for an app that does not run on any data that it had.
func TestRestoreOfABrokenAppAfterAKilledOne(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.interrupt()
	tries := 0
	h.unhealthy = func(string) error {
		if tries++; tries <= 2 {
			return errors.New("broken data")
		}
		return nil
	}
	if out := h.restores(confirmed, shop); !strings.Contains(out, "warning: shop has the data that it had, but the app does not run") {
		t.Errorf("it said\n%s", out)
	}
	h.isClean()
}

// Wherever a restore is killed, the app has all old rows or all restored ones, and the next run makes it answer.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	other := h.contents(similar)
	restored := 0
	for n := 0; ; n++ {
		h.sql(shop, "DELETE FROM items WHERE id > 10")
		h.left = n
		_, err := h.restore(confirmed, shop)
		killed, at := h.dead, "the end"
		if len(h.calls) > 0 {
			at = h.calls[len(h.calls)-1]
		}
		h.left = -1
		if !killed {
			if err != nil {
				t.Errorf("not killed, but %v\n%s", err, h.out.String())
			}
			break
		}
		if err := HealRestore(t.Context(), HealOptions{
			Run: h, Record: h.record(), Manifest: h.manifest(), Apps: h, Out: &h.out,
		}); err != nil {
			t.Fatalf("killed after %q: %v\n%s", at, err, h.out.String())
		}
		switch rows := h.sql(shop, "SELECT count(*) FROM items"); rows {
		case "10":
		case "1000":
			restored++
		default:
			t.Errorf("killed after %q: %s rows", at, rows)
		}
		if h.maintenance[shop] || h.halted[shop] {
			t.Errorf("killed after %q: in maintenance %v, halted %v", at, h.maintenance, h.halted)
		}
		for name := range strings.Lines(h.names()) {
			if strings.Contains(name, before) {
				h.sql(database.Maintenance, "DROP DATABASE "+database.Identifier(strings.TrimSpace(name)))
			}
		}
	}
	t.Logf("killed before each of %d calls; the data was restored after %d of them", len(h.calls), restored)
	if restored == 0 {
		t.Error("it was never killed behind the swap")
	}
	if got := h.contents(similar); got != other {
		t.Errorf("the other database has\n%s\nwant\n%s", got, other)
	}
	h.isClean()
}

// interrupt kills a restore of shop after the swap, before the app starts. Nothing is in the table before.
func (h *host) interrupt() {
	h.Helper()
	h.sql(shop, "DELETE FROM items")
	h.restores(confirmed, shop)
	resume := slices.Index(h.calls, "resume")
	h.sql(shop, "DELETE FROM items")
	h.left = resume
	if out, err := h.restore(confirmed, shop); err == nil || !h.halted[shop] || !h.maintenance[shop] {
		h.Fatalf("killed: %v, halted %v, in maintenance %v\n%s", err, h.halted, h.maintenance, out)
	}
	h.left = -1
}

// The next restore ends one that was killed, too.
func TestTheNextRestoreEndsAKilledOne(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.interrupt()
	if out := h.restores(RestoreOptions{To: "look"}, shop); !strings.Contains(out, "which was interrupted") {
		t.Errorf("it said\n%s", out)
	}
	if got := h.sql(shop, "SELECT count(*) FROM items"); got != "1000" {
		t.Errorf("%s rows", got)
	}
	h.isClean()
}

func TestDerivedNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	names := map[string]string{}
	for _, database := range []string{
		"shop", "shop_prod", long, long[:62], long[:62] + "b", strings.Repeat("é", 31), strings.Repeat("é", 31) + "a", "x__before_y",
	} {
		name := beforeName(database, firstID)
		if len(name) > maxName || !strings.HasSuffix(name, before+firstID) || strings.ToValidUTF8(name, "?") != name {
			t.Errorf("%s: %s", database, name)
		}
		if earlier, ok := names[name]; ok {
			t.Errorf("%s and %s have the name %s", database, earlier, name)
		}
		names[name] = database
		if id, ok := leftBy(database, name); !ok || id != firstID {
			t.Errorf("%s is not that of %s", name, database)
		}
		if copied := restoringName(database, firstID); len(copied) > maxName || !isRestoring(copied) || isRestoring(name) {
			t.Errorf("%s: %s", database, copied)
		}
	}
	if name := beforeName("shop", firstID); name != "shop__before_"+firstID {
		t.Errorf("shop is %s", name)
	}
	if _, ok := leftBy("sho", beforeName("shop", firstID)); ok {
		t.Error("it is that of another database")
	}
}

func TestOnlyTheDatabasesOwnStatementsAreRenamed(t *testing.T) {
	t.Parallel()
	script := `CREATE DATABASE shop WITH TEMPLATE = template0;
ALTER DATABASE shop OWNER TO shop;
\connect shop
ALTER ROLE bob IN DATABASE shop SET work_mem TO '5MB';
GRANT CONNECT ON DATABASE shop TO shop;
COMMENT ON DATABASE shop IS 'on DATABASE shop ';
ALTER DATABASE shop_prod SET a TO 'b';
`
	want := `CREATE DATABASE "new$1" WITH TEMPLATE = template0;
ALTER DATABASE "new$1" OWNER TO shop;

ALTER ROLE bob IN DATABASE "new$1" SET work_mem TO '5MB';
GRANT CONNECT ON DATABASE "new$1" TO shop;
COMMENT ON DATABASE "new$1" IS 'on DATABASE shop ';
ALTER DATABASE shop_prod SET a TO 'b';
`
	if got := renamed(script, "shop", "new$1"); got != want {
		t.Errorf("got\n%s", got)
	}
}

// Data that was written after a restore was interrupted is not dropped when a later run undoes the restore.
func TestAnUndoneRestoreKeepsWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.interrupt()
	h.sql(shop, "INSERT INTO items (name) VALUES ('written since')")
	h.unhealthy = func(string) error { return errors.New("not healthy") }
	err := HealRestore(t.Context(), HealOptions{Run: h, Record: h.record(), Manifest: h.manifest(), Apps: h, Out: &h.out})
	if err == nil {
		t.Error("an app that does not start was not reported")
	}
	var kept string
	for name := range strings.Lines(h.names()) {
		if strings.Contains(name, undone) {
			kept = strings.TrimSpace(name)
		}
	}
	if kept == "" || !strings.Contains(h.out.String(), kept) {
		t.Fatalf("the databases are %s, it said\n%s", h.names(), h.out.String())
	}
	if got := h.sql(kept, "SELECT count(*) FROM items WHERE name = 'written since'"); got != "1" {
		t.Errorf("%s rows that were written since", got)
	}
	h.unhealthy = nil
	if err := Forget(t.Context(), h.restoreOptions(RestoreOptions{}, shop), ""); err != nil || strings.Contains(h.names(), undone) {
		t.Errorf("forget: %v, %s", err, h.names())
	}
}

// Who puts an app into maintenance while its data is being restored finds it there afterwards, and the other way round.
func TestMaintenanceDuringARestore(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		h := newHost(t)
		h.backup(firstID, shop, shop)
		h.maintenance[shop] = !on
		h.unhealthy = func(string) error {
			return Maintain(t.Context(), MaintainOptions{
				Record: h.record(), App: shop, On: on, Maintain: h.Maintain, Out: &h.out,
			})
		}
		if out := h.restores(confirmed, shop); h.maintenance[shop] != on || strings.Contains(out, "visitors get in when") == on {
			t.Errorf("in maintenance %v, want %v\n%s", h.maintenance[shop], on, out)
		}
	}
}

// A live database of which no dump can be made is what a restore may be for.
func TestADamagedDatabaseIsReplaced(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	h.sql(shop, "DELETE FROM items", "CREATE FUNCTION broken() RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"UPDATE pg_proc SET prolang = 4000000 WHERE proname = 'broken'")
	out := h.restores(confirmed, shop)
	if !strings.Contains(out, "warning: there is no dump of what is there now") || h.sql(shop, "SELECT count(*) FROM items") != "1000" {
		t.Errorf("it said\n%s", out)
	}
	h.isClean()
}

// A restore without a time never takes a backup that was made while it waited.
func TestRestoreDoesNotTakeABackupMadeSince(t *testing.T) {
	t.Parallel()
	r := &restore{called: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	want, err := r.chosen()
	if err != nil {
		t.Fatal(err)
	}
	for offset, takes := range map[time.Duration]bool{-time.Second: true, 0: true, time.Second: false} {
		if m := (contract.Backup{FinishedAt: r.called.Add(offset)}); want.takes(m) != takes {
			t.Errorf("finished %v after the call: taken %v", offset, !takes)
		}
	}
	r.o.At = "2026-11-30T12:00:00Z"
	if want, err = r.chosen(); err != nil || !want.takes(contract.Backup{SnapshotAt: r.called.Add(219 * time.Millisecond)}) {
		t.Errorf("the data of the named second is not taken: %v", err)
	}
}

// A database with a subscription can be dropped.
func TestDropOfADatabaseWithASubscription(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.sql(shop, `CREATE SUBSCRIPTION "s b" CONNECTION 'host=127.0.0.1 port=1 dbname=x' PUBLICATION p WITH (connect = false, slot_name = 'x')`)
	if err := h.server().dropDatabase(t.Context(), shop); err != nil || strings.Contains(h.names(), shop+"\n") {
		t.Errorf("%v, there are %s", err, h.names())
	}
}

func TestRowsAreNotQuoted(t *testing.T) {
	t.Parallel()
	const text = "pg_restore: error: COPY failed for table \"chk\": ERROR:  relation \"f\" does not exist\n" +
		"CONTEXT:  SQL function \"f2\" during inlining\nCOPY chk, line 1: \"card 4111\"\nCOPY chk, line 2, column x: \"canary\"\n"
	if got := onlyErrors(text); strings.Contains(got, "4111") || strings.Contains(got, "canary") || !strings.Contains(got, "does not exist") {
		t.Errorf("left %q", got)
	}
}
