package backups

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/contract"
	"webstack/e2e/lab"
	"webstack/internal/operate/backups"
)

// world is a stack whose app shop has a table.
type world struct {
	*testing.T
	c      *lab.Clone
	s3     *s3.Client
	bucket string
}

const rows = "CREATE TABLE kept (id serial PRIMARY KEY, t text); INSERT INTO kept (t) SELECT n::text FROM generate_series(1, 1000) n"

func newWorld(t *testing.T) *world {
	w := &world{T: t, c: lab.NewHosted(t)}
	w.s3 = s3.NewFromConfig(w.c.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	found, err := w.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range found.Buckets {
		if strings.Contains(aws.ToString(bucket.Name), "backups") {
			w.bucket = aws.ToString(bucket.Name)
		}
	}
	w.psql("shop", rows)
	return w
}

func (w *world) psql(database, sql string) string {
	w.Helper()
	return strings.TrimSpace(w.c.OnHost(fmt.Sprintf("docker exec -i postgres psql -qAtX -U postgres -v ON_ERROR_STOP=1 -d %s <<'EOF'\n%s\nEOF\n",
		database, sql)))
}

// backup runs the operator's command.
func (w *world) backup(apps ...string) (string, error) {
	return w.c.Webstack(append([]string{"-s", lab.Stack, "backup"}, apps...)...)
}

// list returns the backups of a database, the newest first.
func (w *world) list(database string) []backups.Backup {
	w.Helper()
	out, err := w.c.WebstackStdout("-s", lab.Stack, "backups", database, "--json")
	var report struct{ Backups []backups.Backup }
	if err == nil {
		err = json.Unmarshal([]byte(out), &report)
	}
	if err != nil {
		w.Fatalf("backups %s: %v\n%s", database, err, out)
	}
	return report.Backups
}

func (w *world) object(key string) []byte {
	w.Helper()
	out, err := w.s3.GetObject(w.Context(), &s3.GetObjectInput{Bucket: &w.bucket, Key: &key})
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		w.Fatal(err)
	}
	return text
}

// clean expects that nothing of a backup is left on the host.
func (w *world) clean() {
	w.Helper()
	left := w.c.OnHost("ls -A " + contract.DumpsDir + "; docker ps --all --quiet --filter name=" + contract.BackupVerifyContainer)
	if strings.TrimSpace(left) != "" {
		w.Errorf("left on the host: %s", left)
	}
}

func TestBackups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"every database is verified", verified}, {"by hand", restoredByHand}, {"a changed row is refused", changedRow},
		{"a killed run is cleaned up", killed}, {"the schedule", scheduled},
		{"an app is restored", restored}, {"a restore is killed", restoreKilled},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			copied := *w
			copied.T, copied.c = t, w.c.For(t)
			part.run(t, &copied)
		})
		if !ok {
			return // what follows builds on it
		}
	}
}

func verified(t *testing.T, w *world) {
	out, err := w.backup()
	if err != nil || !strings.Contains(out, "3 of 3 databases verified") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
	w.clean()
	for _, database := range []string{"app", "blog", "shop"} {
		all := w.list(database)
		if len(all) != 1 || all[0].Result != backups.Verified || !all[0].Newest || all[0].Manifest == nil {
			t.Fatalf("%s has %+v", database, all)
		}
		m := all[0].Manifest
		for _, o := range []contract.BackupObject{m.Object, m.Globals} {
			if content := w.object(o.Key); contract.Sum(content) != o.SHA256 || int64(len(content)) != o.Bytes || o.VersionID == "" {
				t.Errorf("%s has %d bytes, the manifest says %+v", o.Key, len(content), o)
			}
		}
		kept, err := contract.DecodeBackup(w.object(contract.NewestBackupKey(database, contract.BackupManifest)))
		if err != nil || kept.ID != m.ID || contract.Sum(w.object(kept.Object.Key)) != m.Object.SHA256 {
			t.Errorf("the newest of %s: %+v, %v", database, kept, err)
		}
	}
	shop := w.list("shop")[0].Manifest
	i := slices.IndexFunc(shop.Database.Tables, func(table contract.BackupTable) bool { return table.Name == "kept" })
	if i < 0 || shop.Database.Tables[i].Rows != 1000 || shop.Database.Owner != "shop" {
		t.Errorf("the manifest has %+v", shop.Database)
	}
	table, err := w.c.Webstack("-s", lab.Stack, "backups")
	if err != nil || strings.Count(table, "verified") != 3 || strings.Count(table, "*") != 3 {
		t.Errorf("%v\n%s", err, table)
	}
	t.Log(table)
	report, _ := w.c.WebstackStdout("-s", lab.Stack, "verify")
	if strings.Count(report, "  verified backup of 20") != 3 {
		t.Errorf("verify says\n%s", report)
	}
}

// restoredByHand restores without Webstack, as docs/backups.md shows.
func restoredByHand(_ *testing.T, w *world) {
	m := w.list("shop")[0].Manifest
	dump := base64.StdEncoding.EncodeToString(w.object(m.Object.Key))
	w.c.OnHost("docker exec -i postgres createdb -U postgres -T template0 -O shop byhand")
	w.c.OnHost("base64 -d <<'EOF' | docker exec -i postgres pg_restore -U postgres --exit-on-error --dbname byhand\n" + dump + "\nEOF\n")
	if got := w.psql("byhand", "SELECT count(*), sum(length(t)) FROM kept"); got != w.psql("shop", "SELECT count(*), sum(length(t)) FROM kept") {
		w.Errorf("restored %s", got)
	}
	w.c.OnHost("docker exec -i postgres dropdb -U postgres byhand")
}

// changedRow changes a row of the restored copy before it is compared.
func changedRow(t *testing.T, w *world) {
	w.c.OnHost(`cat >/usr/local/sbin/docker <<'EOF'
#!/bin/sh
/usr/bin/docker "$@" || exit
case "$*" in *pg_restore*)
  /usr/bin/docker exec ` + contract.BackupVerifyContainer + ` psql -qX -U postgres -d shop -c "UPDATE kept SET t = 'other' WHERE id = 2" >/dev/null 2>&1
esac
true
EOF
chmod +x /usr/local/sbin/docker`)
	out, err := w.backup()
	w.c.OnHost("rm /usr/local/sbin/docker")
	if err == nil || !strings.Contains(out, "shop: FAILED: the restored database differs: the table public.kept has 1000 rows, but other ones") ||
		!strings.Contains(out, "2 of 3 databases verified") {
		t.Errorf("%v\n%s", err, out)
	}
	w.clean()
	all := w.list("shop")
	if len(all) != 2 || all[0].Result != backups.Failed || !strings.Contains(all[0].Error, "but other ones") || all[0].Newest ||
		all[1].Result != backups.Verified || !all[1].Newest {
		t.Errorf("shop has %+v", all)
	}
	kept, err := contract.DecodeBackup(w.object(contract.NewestBackupKey("shop", contract.BackupManifest)))
	if err != nil || kept.ID != all[1].ID {
		t.Errorf("the newest is %s, %v", kept.ID, err)
	}
}

// killed kills a backup while the throwaway server runs.
func killed(t *testing.T, w *world) {
	done := make(chan string, 1)
	go func() {
		out, _ := w.backup("shop")
		done <- out
	}()
	w.c.Eventually("the throwaway server runs", func(context.Context) error {
		if w.c.TryOnHost("docker inspect "+contract.BackupVerifyContainer).Code != 0 {
			return fmt.Errorf("there is none")
		}
		return nil
	})
	w.c.OnHost("pkill -9 -x webstackctl")
	<-done
	out, err := w.backup("shop")
	if err != nil || !strings.Contains(out, "1 of 1 database verified") {
		t.Errorf("%v\n%s", err, out)
	}
	w.clean()
	if all := w.list("shop"); len(all) < 3 || all[0].Result != backups.Verified || all[1].Result == backups.Verified {
		t.Errorf("shop has %+v", all)
	}
	if left := w.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'webstack-backup'"); left != "0" {
		t.Errorf("%s connections are left", left)
	}
}

// scheduled runs what the schedule runs each night.
func scheduled(t *testing.T, w *world) {
	client := ssm.NewFromConfig(w.c.AWS())
	before := len(w.list("blog"))
	list, err := client.ListAssociations(t.Context(), &ssm.ListAssociationsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, association := range list.Associations {
		if strings.HasSuffix(aws.ToString(association.Name), "-backup") {
			if aws.ToString(association.ScheduleExpression) != "cron(15 3 ? * * *)" {
				t.Errorf("it runs at %s", aws.ToString(association.ScheduleExpression))
			}
			_, err = client.StartAssociationsOnce(t.Context(), &ssm.StartAssociationsOnceInput{
				AssociationIds: []string{aws.ToString(association.AssociationId)},
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	w.c.Eventually("a backup of blog", func(context.Context) error {
		if all := w.list("blog"); len(all) == before || all[0].Result != backups.Verified {
			return fmt.Errorf("blog has %d backups", len(all))
		}
		return nil
	})
}
