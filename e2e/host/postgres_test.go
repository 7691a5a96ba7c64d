package host

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"webstack/contract"
	"webstack/host/command"
	"webstack/host/database"
	"webstack/internal/tooltest"
)

const superPassword = "superuser-password-0"

// server is a Postgres of this test, with a superuser "postgres" whom it trusts on its socket, as in the container, and
// asks for a password over TCP. "master" is what a managed service gives instead of a superuser.
type server struct {
	dir, address string
}

// startPostgres sets up and starts a Postgres that accepts TLS.
func startPostgres(t *testing.T) *server {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		tooltest.Missing(t, "Postgres is not installed")
	}
	bin := filepath.Dir(found[len(found)-1])
	// Short, as the path of a socket has 107 bytes at most.
	dir, err := os.MkdirTemp("", "pg") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	as := unprivileged(t, dir)
	data := filepath.Join(dir, "data")
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), args...)
		cmd.SysProcAttr, cmd.Dir = as, dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	run("initdb", "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", data)
	writeCertificate(t, data, as)
	port := freePort(t)
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", dir, "-p", port, "-c", "listen_addresses=127.0.0.1",
		"-c", "ssl=on", "-c", "fsync=off", "-c", "log_statement=all", "-c", "max_connections=30")
	var log bytes.Buffer
	cmd.SysProcAttr, cmd.Dir, cmd.Stdout, cmd.Stderr = as, dir, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir, address: net.JoinHostPort("127.0.0.1", port)}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
		// All statements are in the log: no password may be among them.
		for _, secret := range []string{"shop-password", "blog-password", "canary", superPassword} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log of Postgres holds %s", secret)
			}
		}
	})
	if err := database.Wait(t.Context(), s.container(), time.Minute); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return s
}

// unprivileged returns a user for Postgres, which does not run as root; dir becomes that user's.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{}
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		tooltest.Missing(t, "find a user for Postgres: %v", err)
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func writeCertificate(t *testing.T, dir string, as *syscall.SysProcAttr) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"server.crt": {Type: "CERTIFICATE", Bytes: cert}, "server.key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if as.Credential != nil {
			if err := os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// inContainer stands for Docker: it runs the psql that would run in the container.
type inContainer struct{ s *server }

func (r inContainer) Run(ctx context.Context, c command.Command) ([]byte, error) {
	if c.Name != "docker" || len(c.Args) < 4 || strings.Join(c.Args[:4], " ") != "exec -i postgres psql" {
		return nil, fmt.Errorf("unexpected call %s %v", c.Name, c.Args)
	}
	_, port, _ := net.SplitHostPort(r.s.address)
	args := append([]string{}, c.Args[4:]...)
	for i, arg := range args {
		if arg == "127.0.0.1" { // where this one asks for a password, unlike the one in the container
			args[i] = r.s.dir
		}
	}
	return command.Exec{}.Run(ctx, command.Command{
		Name: "psql", Args: args, Stdin: c.Stdin, Env: []string{"PGPORT=" + port, "PGHOST=" + r.s.dir},
	})
}

func (s *server) container() database.Server {
	return s.as("postgres")
}

// as speaks to the server by another name of its superuser.
func (s *server) as(user string) *database.Container {
	return &database.Container{Name: "postgres", User: user, Run: inContainer{s}, Record: filepath.Join(s.dir, "superuser")}
}

func (s *server) exec(t *testing.T, statements ...string) {
	t.Helper()
	if err := s.container().Exec(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
}

// connect tries to connect as a role with its password.
func (s *server) connect(t *testing.T, role, password, db, statement string) error {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	_, err := command.Exec{}.Run(t.Context(), command.Command{
		Name: "psql", Args: []string{"-X", "-h", host, "-p", port, "-U", role, "-d", db, "-v", "ON_ERROR_STOP=1"},
		Stdin: strings.NewReader(statement), Env: []string{"PGPASSWORD=" + password, "PGSSLMODE=require"},
	})
	return err
}

func apps(password string) []database.App {
	return []database.App{
		{Name: "shop", Database: "shop", Password: password},
		{Name: "my-blog", Database: "my-blog", Password: "blog-password"},
	}
}

// both runs a test for the container, and for a managed service that gives no superuser.
func both(t *testing.T, test func(t *testing.T, s *server, o database.Options)) {
	t.Run("container", func(t *testing.T) {
		t.Parallel()
		s := startPostgres(t)
		test(t, s, database.Options{
			Server: s.container(), Superuser: "postgres", SuperuserPassword: superPassword, DefaultDb: "app",
			Apps: apps("shop-password"),
		})
	})
	t.Run("external", func(t *testing.T) {
		t.Parallel()
		s := startPostgres(t)
		s.exec(t, "SET log_statement = 'none'",
			"CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD '"+superPassword+"'",
			"ALTER DATABASE postgres OWNER TO master")
		test(t, s, database.Options{
			Server:    &database.External{Address: s.address, User: "master", Password: superPassword},
			Superuser: "master", DefaultDb: "app", Apps: apps("shop-password"),
		})
	})
}

func ensure(t *testing.T, o database.Options) string {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	done, err := database.Ensure(t.Context(), o)
	if err != nil || len(done.Problems) > 0 {
		t.Fatalf("%v, %v", err, done.Problems)
	}
	return out.String()
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server, o database.Options) {
		ensure(t, o)
		if out := ensure(t, o); out != "" {
			t.Errorf("a second run does something: %s", out)
		}
		for _, app := range o.Apps {
			if err := s.connect(t, app.Database, app.Password, app.Database, "CREATE TABLE t (); CREATE SCHEMA own;"); err != nil {
				t.Errorf("%s cannot work in its own database: %v", app.Name, err)
			}
			for _, other := range []string{"shop", "my-blog", "app", "postgres", "template1"} {
				if other == app.Database || o.Superuser == "master" && other == "template1" { // which is the service's
					continue
				}
				err := s.connect(t, app.Database, app.Password, other, "SELECT 1")
				if err == nil || !strings.Contains(err.Error(), "permission denied for database") {
					t.Errorf("%s in the database %s: %v", app.Name, other, err)
				}
			}
		}
		// A changed password: the old one no longer works, the data is still there.
		o.Apps = apps("canary-password")
		if out := ensure(t, o); strings.Count(out, "\n") != 1 || !strings.Contains(out, "the role shop") {
			t.Errorf("a changed password does %q", out)
		}
		if err := s.connect(t, "shop", "shop-password", "shop", "SELECT 1"); err == nil {
			t.Error("the old password works")
		}
		if err := s.connect(t, "shop", "canary-password", "shop", "SELECT * FROM t"); err != nil {
			t.Error(err)
		}
		if out := ensure(t, o); out != "" {
			t.Errorf("another run does something: %s", out)
		}
	})
}

// Leftovers of a killed run or a person are repaired.
func TestDatabasesAreRepaired(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server, o database.Options) {
		ensure(t, o)
		for _, damage := range [][]string{
			{`DROP DATABASE shop`},
			{`DROP DATABASE shop`, `DROP ROLE shop`},
			{`DROP DATABASE shop`, `DROP ROLE shop`, `CREATE ROLE shop LOGIN`},
			{`GRANT CONNECT ON DATABASE shop TO PUBLIC`},
			{`ALTER DATABASE shop OWNER TO "my-blog"`},
			{`ALTER ROLE shop NOLOGIN`},
			{`ALTER ROLE shop PASSWORD NULL`},
			{`ALTER ROLE shop PASSWORD 'another'`},
			{`ALTER ROLE shop CONNECTION LIMIT -1`},
			{`DROP DATABASE app`},
		} {
			if err := o.Server.Exec(t.Context(), damage...); err != nil {
				t.Fatal(err)
			}
			if out := ensure(t, o); out == "" {
				t.Errorf("%v: nothing was done", damage)
			}
			if out := ensure(t, o); out != "" {
				t.Errorf("%v: a second run does something: %s", damage, out)
			}
			if err := s.connect(t, "shop", "shop-password", "shop", "SELECT 1"); err != nil {
				t.Errorf("%v: %v", damage, err)
			}
			if err := s.connect(t, "my-blog", "blog-password", "shop", "SELECT 1"); err == nil {
				t.Errorf("%v: another app gets in", damage)
			}
		}
	})
}

// An error of one app does not affect the others.
func TestOneAppFails(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server, o database.Options) {
		o.Apps = append(o.Apps,
			database.App{Name: "bad", Database: "bad", Password: "not ASCII: ü"},
			database.App{Name: "taken", Database: o.Superuser, Password: "canary-taken"},
			database.App{Name: "quoted", Database: `a"b'c; DROP DATABASE shop; --`, Password: "canary-quoted"},
		)
		var out bytes.Buffer
		o.Out = &out
		done, err := database.Ensure(t.Context(), o)
		problems := done.Problems
		if err != nil || len(problems) != 2 || problems["bad"] == nil || problems["taken"] == nil {
			t.Errorf("%v, %v", err, problems)
		}
		if strings.Contains(fmt.Sprint(problems)+out.String(), "canary") {
			t.Error("a password is shown")
		}
		if err := s.connect(t, "shop", "shop-password", "shop", "SELECT 1"); err != nil {
			t.Error(err)
		}
		if err := s.connect(t, `a"b'c; DROP DATABASE shop; --`, "canary-quoted", `a"b'c; DROP DATABASE shop; --`, "SELECT 1"); err != nil {
			t.Error(err)
		}
	})
}

func TestUnreachablePostgres(t *testing.T) {
	t.Parallel()
	address := net.JoinHostPort("127.0.0.1", freePort(t))
	s := &database.External{Address: address, User: "master", Password: "canary-password"}
	err := database.Wait(t.Context(), s, time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v", err)
	}
	s.Address = "no\naddress"
	if _, err := s.Value(t.Context(), "SELECT 1"); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v", err)
	}
}

// An app that uses all its connections does not take the others', and is named.
func TestConnectionsOfOneApp(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server, o database.Options) {
		ensure(t, o) // 20 connections for two apps
		url := func(app database.App) string {
			return contract.DatabaseURL(s.address, app.Database, app.Password)
		}
		for i := range 10 {
			conn, err := pgx.Connect(t.Context(), url(o.Apps[0]))
			if err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
		}
		host, _, _ := net.SplitHostPort(s.address)
		err := database.Try(t.Context(), url(o.Apps[0]), host)
		if err == nil || err.Error() != `Postgres refuses the connection: too many connections for role "shop"` {
			t.Errorf("one connection more: %v", err)
		}
		if err := database.Try(t.Context(), url(o.Apps[1]), ""); err != nil {
			t.Errorf("the other app: %v", err)
		}
		use, err := database.ReadUsage(t.Context(), o.Server)
		if err != nil || use.Usable != 20 || use.Roles["shop"].Connections != 10 || use.Roles["shop"].Limit != 10 ||
			use.Roles["my-blog"].Limit != 10 || use.Roles["shop"].Size < 1<<20 {
			t.Errorf("in use: %+v, %v", use, err)
		}
		wrong := database.App{Database: "shop", Password: "canary-wrong"}
		if err := database.Try(t.Context(), url(wrong), ""); err == nil || !strings.Contains(err.Error(), "password") ||
			strings.Contains(err.Error(), "canary") {
			t.Errorf("with a wrong password: %v", err)
		}
	})
}

// The superuser of a data directory is renamed when the config has another name for it.
func TestSuperuserIsRenamed(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	options := func(user string) database.Options {
		return database.Options{
			Server: s.as(user), Superuser: user, SuperuserPassword: superPassword, DefaultDb: "app",
			Apps: apps("shop-password"),
		}
	}
	ensure(t, options("postgres"))
	for _, name := range []string{"owner", "own-er\"2"} {
		if err := database.Wait(t.Context(), s.as(name), time.Second); err != nil {
			t.Errorf("before the change: %v", err)
		}
		if out := ensure(t, options(name)); !strings.Contains(out, "renamed the superuser") {
			t.Errorf("printed %q", out)
		}
		if out := ensure(t, options(name)); out != "" {
			t.Errorf("a second run does something: %s", out)
		}
		if err := s.connect(t, name, superPassword, "app", "SELECT 1"); err != nil {
			t.Error(err)
		}
		roles, err := s.as(name).Value(t.Context(), "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolsuper")
		if err != nil || roles != name {
			t.Errorf("superusers are %q, %v", roles, err)
		}
	}
	// An existing role is not made the superuser, and an unknown name is not guessed.
	o := options("shop")
	o.Out = io.Discard
	if _, err := database.Ensure(t.Context(), o); err == nil || !strings.Contains(err.Error(), "look for the superuser of Postgres") {
		t.Errorf("error is %v", err)
	}
	if err := os.Remove(filepath.Join(s.dir, "superuser")); err != nil {
		t.Fatal(err)
	}
	o = options("another")
	o.Out = io.Discard
	if _, err := database.Ensure(t.Context(), o); err == nil || !strings.Contains(err.Error(), "its previous name") {
		t.Errorf("error is %v", err)
	}
}

// A rename that was killed is finished.
func TestSuperuserIsRenamedAfterAKill(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	s.exec(t, "CREATE ROLE webstack_renamer SUPERUSER LOGIN")
	o := database.Options{Server: s.as("owner"), Superuser: "owner", SuperuserPassword: superPassword, DefaultDb: "app"}
	ensure(t, o)
	// Killed before the helper was dropped.
	if err := o.Server.Exec(t.Context(), "CREATE ROLE webstack_renamer SUPERUSER LOGIN"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "superuser"), []byte("postgres\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ensure(t, o)
	if left, err := o.Server.Value(t.Context(), "SELECT count(*) FROM pg_roles WHERE rolsuper"); err != nil || left != "1" {
		t.Errorf("there are %s superusers, %v", left, err)
	}
}
