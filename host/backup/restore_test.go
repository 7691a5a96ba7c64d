package backup

import (
	"errors"
	"strings"
	"testing"

	"webstack/contract"
	"webstack/host/database"
)

// confirmed confirms a restore of the app shop.
var confirmed = RestoreOptions{Confirm: shop}

func TestRestoreBringsEverythingBackAndTouchesNothingElse(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	want, other := h.contents(shop), h.contents(similar)
	h.sql(shop, "DELETE FROM items WHERE id > 10", "DROP VIEW names", "ALTER SEQUENCE items_id_seq RESTART 7")
	h.sql(database.Maintenance, "ALTER DATABASE shop SET work_mem = '7MB'")
	changed := h.contents(shop)
	out := h.restores(confirmed, shop)
	if got := h.contents(shop); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
	if got := h.contents(similar); got != other {
		t.Errorf("the other database has\n%s\nwant\n%s", got, other)
	}
	h.isClean()
	for _, line := range []string{
		"shop: restoring the backup " + firstID, "it is what was backed up", "shop: swapped in ", "shop: restored in ", "/replaced.dump",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is not in\n%s", line, out)
		}
	}
	_, after, _ := strings.Cut(out, "what was there before is in the database ")
	old, _, _ := strings.Cut(after, ";")
	if got := h.contents(old); strings.ReplaceAll(got, old, shop) != changed {
		t.Errorf("%s has\n%s\nwant\n%s", old, got, changed)
	}
	if keys := h.store.keys(contract.BackupReplaced); len(keys) != 1 {
		t.Errorf("saved %s", keys)
	}
	id := afterLast(old, before)
	if err := Forget(t.Context(), h.restoreOptions(RestoreOptions{}, shop), firstID); !errors.Is(err, ErrRestoreFailed) {
		t.Errorf("dropped what is not there: %v", err)
	}
	if err := Forget(t.Context(), h.restoreOptions(RestoreOptions{}, shop), id); err != nil || strings.Contains(h.names(), before) {
		t.Errorf("%v, there are\n%s", err, h.names())
	}
	if got := h.contents(shop); got != want {
		t.Errorf("the restored database has\n%s\nwant\n%s", got, want)
	}
}

func TestRestoreOfADroppedDatabase(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	want := h.contents(shop)
	h.sql(database.Maintenance, "DROP DATABASE shop")
	h.maintenance[shop] = true
	h.restores(confirmed, shop)
	if got := h.contents(shop); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
	if !h.maintenance[shop] {
		t.Error("an app that was in maintenance is no longer")
	}
}

func TestRestoreBeside(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.backup(firstID, shop, shop)
	want := h.contents(shop)
	h.sql(shop, "DELETE FROM items")
	live := h.contents(shop)
	h.restores(RestoreOptions{To: "shop_look"}, shop)
	if got := strings.ReplaceAll(h.contents("shop_look"), "shop_look", shop); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
	if got := h.contents(shop); got != live {
		t.Errorf("the live database has\n%s\nwant\n%s", got, live)
	}
	h.isClean()
	h.fails("shop_look: it exists already", RestoreOptions{To: "shop_look"}, shop)
	for _, bad := range []string{"Shop", "shop-2", "x__before_y", "x__restore_" + firstID, strings.Repeat("x", 64)} {
		h.fails("restore to the database", RestoreOptions{To: bad}, shop)
	}
}

func TestChoiceOfTheBackup(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.fails("find a backup of shop: there is no verified one", confirmed, shop)
	h.backup(firstID, shop, shop)
	h.sql(shop, "DELETE FROM items WHERE id > 10")
	h.backup(lastID, shop, shop)
	h.sql(shop, "DELETE FROM items WHERE id > 1")
	for at, want := range map[string]string{
		"": "10", "latest": "10", lastID: "10", firstID: "1000", "2026-11-30T03:16:00Z": "10", "2026-11-30T03:15:59Z": "1000",
		"2026-11-29T04:16:00+01:00": "1000",
	} {
		h.restores(RestoreOptions{At: at, Confirm: shop}, shop)
		if got := h.sql(shop, "SELECT count(*) FROM items"); got != want {
			t.Errorf("at %q: %s rows, want %s", at, got, want)
		}
	}
	h.fails("the oldest is "+firstID, RestoreOptions{At: "2026-11-29T03:15:59Z", Confirm: shop}, shop)
	h.fails("the newest is "+lastID, RestoreOptions{At: "20261130T031501Z", Confirm: shop}, shop)
	h.fails(`choose the backup "yesterday"`, RestoreOptions{At: "yesterday", Confirm: shop}, shop)
	h.fails("pass --confirm shop", RestoreOptions{}, shop)
	h.fails(`"shop_prod" is not shop`, RestoreOptions{Confirm: similar}, shop)
	// Its own objects have expired; the copy of the newest stays.
	for _, key := range h.store.keys("") {
		if strings.HasPrefix(key, contract.BackupPrefix) && !strings.HasSuffix(key, contract.BackupGlobals) {
			delete(h.store.objects, key)
		}
	}
	h.restores(RestoreOptions{At: lastID, Confirm: shop}, shop)
	if got := h.sql(shop, "SELECT count(*) FROM items"); got != "10" {
		t.Errorf("%s rows", got)
	}
}

func TestRestoreAll(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.sql("app", "CREATE TABLE own (a int)", "INSERT INTO own VALUES (1)")
	h.backup(firstID, "", "app")
	h.backup(firstID, shop, shop)
	h.backup(firstID, "prod", similar)
	want := h.all()
	h.sql(database.Maintenance, "DROP DATABASE shop", "DROP DATABASE app", "CREATE DATABASE app TEMPLATE template0")
	out, err := h.restore(RestoreOptions{})
	if !errors.Is(err, ErrRestoreFailed) || !strings.Contains(out, "shop_prod is not empty") || !strings.Contains(out, "2 of 3 databases") {
		t.Errorf("%v\n%s", err, out)
	}
	h.fails("is not \"all\"", RestoreOptions{Confirm: shop})
	if got := h.sql(shop, "SELECT count(*) FROM items") + h.sql("app", "SELECT count(*) FROM own"); got != "10001" {
		t.Errorf("rows %s", got)
	}
	h.restores(RestoreOptions{Confirm: ConfirmAll})
	for name := range strings.Lines(h.names()) {
		if strings.Contains(name, before) {
			h.sql(database.Maintenance, "DROP DATABASE "+database.Identifier(strings.TrimSpace(name)))
		}
	}
	if got := h.all(); got != want {
		t.Errorf("restored\n%s\nwant\n%s", got, want)
	}
}
