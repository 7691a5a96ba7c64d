package images

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"webstack/contract"
)

// cluster is a database and the file with its superuser's password.
type cluster struct {
	service
	// data is a volume, secret a file.
	image, network, data, secret string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	services, _ := stack(t)
	c := &cluster{service: services["postgres"], image: hubImage(t, contract.PostgresImage)}
	c.network = "webstack-e2e-images-" + strings.ToLower(rand.Text()[:12])
	c.data = c.network
	t.Cleanup(func() {
		_ = exec.Command("docker", "network", "rm", c.network).Run()
		_ = exec.Command("docker", "volume", "rm", c.data).Run()
	})
	docker(t, "network", "create", c.network)
	docker(t, "volume", "create", c.data)
	// A host makes the directory, so it is root's.
	docker(t, "run", "--rm", "--volume", c.data+":/data", "--entrypoint", "chown", c.image, "root:root", "/data")
	c.secret = filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(c.secret, []byte("s3cret pass"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs Postgres as a host does and waits until it answers.
func (c *cluster) start(t *testing.T) (container string) {
	t.Helper()
	container = run(t, append(c.options(), "--network", c.network, "--network-alias", "postgres",
		"--volume", c.data+":/var/lib/postgresql/data", "--volume", c.secret+":/run/secrets/postgres-password:ro"),
		c.image, c.Command...)
	eventually(t, "Postgres did not get ready", healthy(c.service, container))
	return container
}

func psql(t *testing.T, container, sql string) string {
	t.Helper()
	return docker(t, "exec", container, "psql", "-U", "postgres", "-AtX", "-v", "ON_ERROR_STOP=1", "-c", sql)
}

func TestPostgresIsSetUpAndKeepsItsData(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	first := c.start(t)
	for sql, want := range map[string]string{
		"SHOW data_checksums": "on",
		"SELECT count(*) FROM pg_database WHERE datname = 'app'":                                  "1",
		"SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'postgres'":     "t",
		"SELECT current_setting('server_version_num')::int / 10000":                               "17",
		"SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'app'": "UTF8|en_US.utf8",
		"SHOW random_page_cost":                    "1.1",
		"SHOW listen_addresses":                    "*",
		"CREATE TABLE kept AS SELECT 42 AS answer": "SELECT 1",
	} {
		if got := psql(t, first, sql); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
	if got := docker(t, "exec", first, "sh", "-c", "id -u postgres; id -g postgres; stat -c '%u %a' $PGDATA; ps -o user= -p 1"); got != "999\n999\n999 700\npostgres" {
		t.Errorf("users and rights are\n%s", got)
	}
	for _, tool := range []string{"pg_dump", "pg_restore", "pg_dumpall", "createdb", "bash"} {
		docker(t, "exec", first, tool, "--version")
	}

	// docker stop sends the image's signal; a shutdown that is not clean is recovered from at the next start.
	docker(t, "stop", "--time", "60", first)
	if log := docker(t, "logs", first); !strings.Contains(log, "database system is shut down") || strings.Contains(log, "s3cret") {
		t.Errorf("it did not stop cleanly, or told its password:\n%s", log)
	}
	second := c.start(t)
	if got := psql(t, second, "SELECT answer FROM kept"); got != "42" {
		t.Errorf("the table has %q", got)
	}
	if log := docker(t, "logs", second); strings.Contains(log, "not properly shut down") || strings.Contains(log, "initdb") {
		t.Errorf("the second start recovered, or set up the data again:\n%s", log)
	}
}

func TestPostgresRequiresThePassword(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.start(t)
	for password, want := range map[string]string{"s3cret pass": "1", "wrong": "password authentication failed", "": "no password supplied"} {
		client := run(t, []string{"--network", c.network, "--env", "PGPASSWORD=" + password}, c.image,
			"psql", "-h", "postgres", "-U", "postgres", "-wAtXc", "SELECT 1", "app")
		docker(t, "wait", client)
		if got := docker(t, "logs", client); !strings.Contains(got, want) {
			t.Errorf("password %q: %s", password, got)
		}
	}
}

func TestPostgresWithoutPasswordIsNotSetUp(t *testing.T) {
	t.Parallel()
	image := hubImage(t, contract.PostgresImage)
	container := run(t, nil, image)
	if code := docker(t, "wait", container); code != "1" {
		t.Errorf("exit code %s", code)
	}
	if log := docker(t, "logs", container); !strings.Contains(log, "POSTGRES_PASSWORD is not set") {
		t.Errorf("it said:\n%s", log)
	}
}

// The demo app with its database, as an app has it on a host.
func TestDemoWritesToItsDatabase(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	database := c.start(t)
	psql(t, database, "CREATE ROLE shop LOGIN PASSWORD 'pass'")
	psql(t, database, "CREATE DATABASE shop OWNER shop")
	image, tag := demo(t)
	app := run(t, []string{
		"--network", c.network, "--publish", "127.0.0.1::3000", "--env", "PORT=3000", "--env", "SITE_TITLE=Our shop",
		"--env", "DATABASE_URL=postgres://shop:pass@postgres:5432/shop", "--cap-drop", "ALL", "--init", "--read-only",
		"--security-opt", "no-new-privileges:true",
	}, image)
	site := "http://" + address(t, app, "3000")
	eventually(t, "the demo app did not get healthy", func(ctx context.Context) error {
		_, err := fetch(ctx, site+"/health")
		return err
	})
	form := url.Values{"name": {"Ada"}, "message": {"first entry"}}
	resp, err := http.PostForm(site+"/guestbook", form)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	for _, want := range []string{"Our shop", tag, "first entry", `id="visits">1<`} {
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("the page has no %s (%v):\n%s", want, err, page)
		}
	}
	if got := psql(t, database, "SELECT datname FROM pg_stat_activity WHERE usename = 'shop' LIMIT 1"); got != "shop" {
		t.Errorf("the app is connected to %q", got)
	}
	docker(t, "stop", database)
	if body, err := fetch(t.Context(), site+"/health"); err == nil {
		t.Errorf("healthy without its database: %s", body)
	}
	if body, err := fetch(t.Context(), site+"/"); err != nil || !strings.Contains(body, "The guestbook is closed") {
		t.Errorf("without its database the page is %s, %v", body, err)
	}
}

// fetch returns the body of an answer with status 200.
func fetch(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return string(body), err
}
