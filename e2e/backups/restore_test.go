package backups

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"webstack/contract"
	"webstack/e2e/lab"
)

// restore runs the operator's command.
func (w *world) restore(args ...string) (string, error) {
	return w.c.Webstack(append([]string{"-s", lab.Stack, "restore"}, args...)...)
}

// sum returns the checksum of what a database has, without the rows of the table in which the demo app counts visits.
func (w *world) sum(database string) string {
	w.Helper()
	return w.c.OnHost("docker exec postgres pg_dump -U postgres --exclude-table-data visits " + database + " | grep -v '^.*restrict ' | sha256sum")
}

// answers expects that the app shop answers through Caddy.
func (w *world) answers() {
	w.Helper()
	w.c.Eventually("shop answers", func(context.Context) error {
		got := w.c.TryOnHost("curl -ksS -o /dev/null -w '%{http_code}' --resolve shop.localhost:443:127.0.0.1 https://shop.localhost/health")
		if got.Stdout != "200" {
			return fmt.Errorf("%s %s", got.Stdout, got.Stderr)
		}
		return nil
	})
}

// restored deletes rows, and restores them. The other app's database stays as it is.
func restored(t *testing.T, w *world) {
	w.psql("blog", rows)
	if out, err := w.backup("shop"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, other := w.sum("shop"), w.sum("blog")
	w.psql("shop", "DELETE FROM kept WHERE id > 10; CREATE TABLE later (a int)")
	for _, wrong := range [][]string{{"shop"}, {"shop", "--confirm", "blog"}, {"shop", "--at", "2020-01-01T00:00:00Z", "--confirm", "shop"}} {
		if out, err := w.restore(wrong...); err == nil {
			t.Errorf("restore %s succeeded:\n%s", wrong, out)
		}
	}
	if got := w.psql("shop", "SELECT count(*) FROM kept"); got != "10" {
		t.Errorf("a refused restore left %s rows", got)
	}
	begun := time.Now()
	out, err := w.restore("shop", "--confirm", "shop")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("restored in %s:\n%s", time.Since(begun).Round(100*time.Millisecond), out)
	w.answers()
	if got := w.sum("shop"); got != want {
		t.Errorf("restored %s, want %s", got, want)
	}
	if got := w.sum("blog"); got != other {
		t.Errorf("the other app has %s, want %s", got, other)
	}
	w.clean()
	old := regexp.MustCompile(`shop__before_[0-9TZ]+`).FindString(out)
	if got := w.psql(old, "SELECT count(*) FROM kept"); got != "10" {
		t.Errorf("%s has %s rows", old, got)
	}
	for _, args := range [][]string{{"shop", "--to", "shop_look"}, {"shop", "--forget"}} {
		if out, err := w.restore(args...); err != nil {
			t.Errorf("restore %s: %v\n%s", args, err, out)
		}
	}
	names := w.psql("postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database")
	if strings.Contains(names, "__") || !strings.Contains(names, "shop_look") {
		t.Errorf("there are %s", names)
	}
	w.psql("postgres", "DROP DATABASE shop_look")
	if out, err := w.restore("shop", "--file"); err != nil || !strings.Contains(out, "aws s3 cp 's3://"+w.bucket+"/postgres/backups/") {
		t.Errorf("%v\n%s", err, out)
	}
}

// restoreKilled kills a restore as soon as the app is stopped. The next converge makes it answer.
func restoreKilled(t *testing.T, w *world) {
	done := make(chan string, 1)
	go func() {
		out, _ := w.restore("shop", "--confirm", "shop")
		done <- out
	}()
	w.c.OnHost("for i in $(seq 3000); do test -e " + contract.RestoreRecordFile + " && break; sleep 0.02; done; pkill -9 -x webstackctl")
	t.Log(<-done)
	w.c.MustConverge()
	w.answers()
	if got := w.psql("shop", "SELECT count(*) FROM kept"); got != "1000" {
		t.Errorf("shop has %s rows", got)
	}
	if out := w.c.OnHost("test ! -e " + contract.RestoreRecordFile + " && ls " + contract.MaintenanceDir); strings.Contains(out, "shop") {
		t.Errorf("in maintenance: %s", out)
	}
}
