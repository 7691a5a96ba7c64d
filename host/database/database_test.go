package database

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/host/internal/commandtest"
)

// The example of RFC 7677: who has the server's key can prove it to the client.
func TestVerifierIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	salt, err := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	if err != nil {
		t.Fatal(err)
	}
	v, err := derive("pencil", salt, 4096)
	if err != nil {
		t.Fatal(err)
	}
	const nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	signature := mac(v.serverKey, "n=user,r=rOprNGfwEbeRWgbNEkqO,"+nonce+",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,"+nonce)
	if got := base64.StdEncoding.EncodeToString(signature); got != "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" {
		t.Errorf("the server's signature is %s", got)
	}
}

func TestVerifiers(t *testing.T) {
	t.Parallel()
	one, err := newVerifier("password-1")
	if err != nil {
		t.Fatal(err)
	}
	two, _ := newVerifier("password-1")
	if one.String() == two.String() {
		t.Error("two verifiers have the same salt")
	}
	stored := one.String()
	if !matches(stored, "password-1") || matches(stored, "password-2") {
		t.Error("a verifier does not tell passwords apart")
	}
	for _, broken := range []string{
		"", "md5abc", scramPrefix, scramPrefix + "x:AA==$", scramPrefix + "4096:AA==$", stored[:len(stored)-1], stored + "x",
		scramPrefix + "0:AA==$AA==:AA==", scramPrefix + "99999999999:AA==$AA==:AA==", scramPrefix + "4096:?$AA==:AA==",
	} {
		if matches(broken, "password-1") {
			t.Errorf("%q is taken for a verifier", broken)
		}
	}
	for _, bad := range []string{"", "canary-ü", "canary\n"} {
		if _, err := newVerifier(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// server is a Server that remembers.
type server struct {
	state   state
	differ  []string
	fail    map[string]error // by beginning of a statement
	asked   map[string]string
	execute []string
}

func (s *server) Value(context.Context, string) (string, error) {
	if err := s.fail["SELECT"]; err != nil {
		return "", err
	}
	text, err := json.Marshal(s.state)
	return string(text), err
}

func (s *server) Exec(_ context.Context, statements ...string) error {
	for _, statement := range statements {
		s.execute = append(s.execute, statement)
		for begin, err := range s.fail {
			if strings.HasPrefix(statement, begin) {
				return err
			}
		}
	}
	return nil
}

func (s *server) Adopt(context.Context, io.Writer) error { return s.fail["Adopt"] }

func (s *server) Differ(_ context.Context, passwords map[string]string) ([]string, error) {
	s.asked = passwords
	return s.differ, s.fail["Differ"]
}

func newServer() *server {
	return &server{fail: map[string]error{}, state: state{
		Slots: slots{Most: 100, Reserved: 3},
		Roles: map[string]roleState{"postgres": {Login: true, Member: true}},
		Databases: map[string]databaseState{
			"postgres": {Owner: "postgres", Mine: true}, "template1": {Owner: "postgres", Mine: true},
			"app": {Owner: "postgres", Mine: true},
		},
	}}
}

func (s *server) options(out *bytes.Buffer) Options {
	return Options{
		Server: s, Superuser: "postgres", SuperuserPassword: "canary-super", DefaultDb: "app", Out: out,
		Apps: []App{
			{Name: "blog", Database: "blog", Password: "canary-blog"},
			{Name: "shop", Database: "shop", Password: "canary-shop", Connections: 30},
		},
	}
}

func TestOneFailureIsOneAppsOwn(t *testing.T) {
	t.Parallel()
	s := newServer()
	s.fail[`CREATE DATABASE "blog"`] = errors.New("no space")
	var out bytes.Buffer
	done, err := Ensure(t.Context(), s.options(&out))
	problems := done.Problems
	if err != nil || len(problems) != 1 || !strings.Contains(problems["blog"].Error(), "create the database of blog: no space") {
		t.Errorf("%v, %v", err, problems)
	}
	if !slices.Contains(s.execute, `REVOKE CONNECT, TEMPORARY ON DATABASE "shop" FROM PUBLIC`) {
		t.Errorf("executed %q", s.execute)
	}
	if text := out.String() + strings.Join(s.execute, ""); strings.Contains(text, "canary") {
		t.Error("a password is shown or sent in clear")
	}
}

func TestFaultsOfTheServer(t *testing.T) {
	t.Parallel()
	for begin, want := range map[string]string{
		"SELECT": "read roles and databases: trouble", "Differ": "compare passwords: trouble", "REVOKE": "set up Postgres: trouble",
	} {
		s := newServer()
		s.fail[begin] = errors.New("trouble")
		s.state.Databases["postgres"] = databaseState{Open: true, Mine: true}
		if _, err := Ensure(t.Context(), s.options(&bytes.Buffer{})); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", begin, err, want)
		}
	}
}

// What belongs to a managed service is left alone.
func TestForeignDatabases(t *testing.T) {
	t.Parallel()
	s := newServer()
	s.state.Databases["template1"] = databaseState{Owner: "rdsadmin", Open: true}
	o := s.options(&bytes.Buffer{})
	o.Apps = nil
	if _, err := Ensure(t.Context(), o); err != nil || len(s.execute) > 0 {
		t.Errorf("%v, executed %q", err, s.execute)
	}
}

// An app that has the superuser's name never touches the superuser.
func TestNamesOfTheServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres", "app", "template0", "template1", "pg_x"} {
		s := newServer()
		o := s.options(&bytes.Buffer{})
		o.Apps = []App{{Name: "bad", Database: name, Password: "canary-bad"}}
		done, err := Ensure(t.Context(), o)
		problems := done.Problems
		if err != nil || problems["bad"] == nil || !strings.Contains(problems["bad"].Error(), "rename the app") ||
			len(s.execute) > 0 || s.asked["postgres"] != "canary-super" {
			t.Errorf("%s: %v, %v, executed %q", name, err, problems, s.execute)
		}
	}
}

func TestContainer(t *testing.T) {
	t.Parallel()
	run := &commandtest.Runner{}
	run.Set("docker", func(c commandtest.Call) (string, error) { return "line\n", nil })
	c := &Container{Name: "postgres", User: "super", Run: run}
	if got, err := c.Value(t.Context(), "SELECT 1"); err != nil || got != "line" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := c.Exec(t.Context(), "ALTER ROLE a PASSWORD 'canary'", "SELECT 2"); err != nil {
		t.Error(err)
	}
	calls := run.Calls()
	if want := "ALTER ROLE a PASSWORD 'canary';\nSELECT 2;\n"; calls[1].Input != want {
		t.Errorf("psql reads %q", calls[1].Input)
	}
	for _, call := range calls {
		if line := call.Line(); strings.Contains(line, "canary") || !strings.HasPrefix(line, "docker exec -i postgres psql ") {
			t.Errorf("ran %s", line)
		}
	}
	run.Set("docker", func(commandtest.Call) (string, error) { return "no JSON", nil })
	if _, err := c.Differ(t.Context(), nil); err == nil {
		t.Error("no error")
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	run := &commandtest.Runner{}
	n := 0
	run.Set("docker", func(commandtest.Call) (string, error) {
		if n++; n < 3 {
			return "", commandtest.Fail("docker exec", 2, "the database system is starting up")
		}
		return "1\n", nil
	})
	c := &Container{Name: "postgres", User: "postgres", Run: run}
	if err := Wait(t.Context(), c, time.Minute); err != nil || n != 3 {
		t.Errorf("%v after %d attempts", err, n)
	}
	n = -1000
	if err := Wait(t.Context(), c, 0); err == nil || !strings.Contains(err.Error(), "is starting up") {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Wait(ctx, c, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	s := newServer()
	var out bytes.Buffer
	done, err := Ensure(t.Context(), s.options(&out))
	if err != nil || done.Usable != 90 || done.Largest != 60 {
		t.Errorf("got %+v, %v", done, err)
	}
	for _, want := range []string{`ALTER ROLE "blog" CONNECTION LIMIT 60`, `ALTER ROLE "shop" CONNECTION LIMIT 30`} {
		if !slices.Contains(s.execute, want) {
			t.Errorf("%s is missing in %q", want, s.execute)
		}
	}
	// Nothing is changed that is as it should be; and another limit is.
	s.execute = nil
	for name, limit := range map[string]int{"blog": 60, "shop": 7} {
		s.state.Roles[name] = roleState{Login: true, Member: true, Limit: limit}
		s.state.Databases[name] = databaseState{Owner: name, Mine: true}
	}
	if _, err := Ensure(t.Context(), s.options(&out)); err != nil ||
		!slices.Equal(s.execute, []string{`ALTER ROLE "shop" CONNECTION LIMIT 30`}) {
		t.Errorf("%v, executed %q", err, s.execute)
	}
}
