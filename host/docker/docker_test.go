package docker

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"webstack/host/command"
)

// script is a docker that answers from a list and remembers what it was told.
type script struct {
	answers []answer
	runs    []command.Command
	look    func(c command.Command)
}

type answer struct {
	out string
	err error
}

func (s *script) Run(_ context.Context, c command.Command) ([]byte, error) {
	s.runs = append(s.runs, c)
	if s.look != nil {
		s.look(c)
	}
	if len(s.answers) == 0 {
		return nil, nil
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	if c.Stdout != nil {
		_, _ = c.Stdout.Write([]byte(a.out))
	}
	return []byte(a.out), a.err
}

func (s *script) calls() (calls []string) {
	for _, c := range s.runs {
		calls = append(calls, strings.Join(append([]string{c.Name}, c.Args...), " "))
	}
	return calls
}

func failure(message string) error {
	return &command.ExitError{Program: "docker", Code: 1, Message: message}
}

func newEngine(t *testing.T, s *script) *Engine {
	return &Engine{
		Runner: s, Project: "webstack", ComposeFile: "/opt/webstack/compose/docker-compose.yml",
		RuntimeDir: t.TempDir(), Backoff: time.Millisecond,
	}
}

const described = `[
{"Id":"b","Name":"/webstack-shop-1","Image":"sha256:i","RestartCount":2,
 "State":{"Status":"exited","OOMKilled":true,"ExitCode":137,"StartedAt":"2026-01-02T03:04:05Z","Pid":0},
 "HostConfig":{"Init":true,"Memory":268435456},
 "Config":{"Image":"r/shop:v1","Env":["SECRET=hush"],"Labels":{"com.docker.compose.project":"webstack",
   "com.docker.compose.service":"shop","com.docker.compose.oneoff":"False","webstack.sum":"00"}},
 "NetworkSettings":{"Networks":{"webstack_edge":{"IPAddress":"172.18.0.3"},"webstack_db":{"IPAddress":""}}}},
{"Id":"a","Name":"/caddy","State":{"Status":"running","Pid":4711},"HostConfig":{"Init":null},
 "Config":{"Healthcheck":{"Test":["CMD","wget","-q"]},"Labels":{"com.docker.compose.project":"webstack",
   "com.docker.compose.service":"caddy"}}},
{"Id":"c","Name":"/webstack-shop-run-1","State":{"Status":"running"},
 "Config":{"Labels":{"com.docker.compose.project":"webstack","com.docker.compose.oneoff":"True"}}}
]`

func TestContainers(t *testing.T) {
	t.Parallel()
	gone := failure("Error response from daemon: No such container: c")
	s := &script{answers: []answer{{out: "a\nb\nc\n"}, {err: gone}, {out: "a\nb\n"}, {out: described}}}
	got, err := newEngine(t, s).Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "caddy" || got[1].Name != "webstack-shop-1" {
		t.Fatalf("got %+v", got)
	}
	shop := got[1]
	if shop.Service != "shop" || shop.Image != "r/shop:v1" || shop.ImageID != "sha256:i" || shop.Sum != "00" ||
		shop.Restarts != 2 || shop.Running() || shop.State() != "exited, exit code 137, out of memory" ||
		!shop.Init || shop.Memory != 256<<20 || len(shop.Addresses) != 1 || shop.Addresses["edge"] != "172.18.0.3" {
		t.Errorf("got %+v", shop)
	}
	if !got[0].Running() || got[0].PID != 4711 || got[0].Init || !slices.Equal(got[0].HealthTest, []string{"CMD", "wget", "-q"}) {
		t.Errorf("got %+v", got[0])
	}
}

func TestContainersFails(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]answer{
		"no engine":    {{err: failure("dial unix /var/run/docker.sock: connect: no such file or directory")}},
		"no JSON":      {{out: "a"}, {out: "{"}},
		"ever another": {{out: "a"}, {err: failure("No such object: a")}, {out: "a"}, {err: failure("No such object: a")}, {out: "a"}, {err: failure("No such object: a")}},
	} {
		s := &script{answers: answers}
		if _, err := newEngine(t, s).Containers(t.Context()); err == nil || !strings.Contains(err.Error(), "list containers") {
			t.Errorf("%s: got error %v", name, err)
		}
		if len(s.answers) > 0 {
			t.Errorf("%s: gave up early", name)
		}
	}
}

func TestUp(t *testing.T) {
	t.Setenv("COMPOSE_FILE", "/elsewhere.yml")
	t.Setenv("WEBSTACK_IMAGE_SHOP", "stale")
	s := &script{}
	e := newEngine(t, s)
	if err := e.Up(t.Context(), "shop", UpOptions{Scale: 2, KeepExisting: true, Env: []string{"A=b"}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Up(t.Context(), "caddy", UpOptions{}); err != nil {
		t.Fatal(err)
	}
	const up = "docker compose --progress quiet --project-name webstack --file /opt/webstack/compose/docker-compose.yml " +
		"up --detach --no-deps --no-build --pull never "
	if got := s.calls(); !slices.Equal(got, []string{up + "--no-recreate --scale shop=2 shop", up + "--scale caddy=1 caddy"}) {
		t.Errorf("called %q", got)
	}
	for _, name := range []string{"COMPOSE_FILE", "WEBSTACK_IMAGE_SHOP"} {
		if !slices.Contains(s.runs[0].Unset, name) {
			t.Errorf("%s stays in the environment", name)
		}
	}
	if !slices.Equal(s.runs[0].Env, []string{"A=b"}) {
		t.Errorf("environment: got %q", s.runs[0].Env)
	}
}

func TestGoneContainersAreNoError(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"Error: No such container: a", "Error response from daemon: No such container: a"} {
		e := newEngine(t, &script{answers: []answer{{err: failure(message)}, {err: failure(message)}}})
		if err := errors.Join(e.Stop(t.Context(), "a"), e.Remove(t.Context(), "a")); err != nil {
			t.Error(err)
		}
	}
	s := &script{}
	e := newEngine(t, s)
	if err := errors.Join(e.Stop(t.Context()), e.Remove(t.Context())); err != nil || len(s.runs) > 0 {
		t.Errorf("of no containers: called %q, error %v", s.calls(), err)
	}
	e = newEngine(t, &script{answers: []answer{{err: failure("permission denied")}}})
	if e.Remove(t.Context(), "a") == nil {
		t.Error("another failure is none")
	}
}

func TestCheckHealth(t *testing.T) {
	t.Parallel()
	s := &script{}
	e := newEngine(t, s)
	for _, test := range [][]string{nil, {"CMD", "pg_isready", "-q"}, {"CMD-SHELL", "true && true"}} {
		if err := e.CheckHealth(t.Context(), Container{ID: "a", HealthTest: test}); err != nil {
			t.Error(err)
		}
	}
	want := []string{"docker exec a pg_isready -q", "docker exec a /bin/sh -c true && true"}
	if got := s.calls(); !slices.Equal(got, want) {
		t.Errorf("called %q", got)
	}
	if e.CheckHealth(t.Context(), Container{HealthTest: []string{"NEW"}}) == nil {
		t.Error("an unknown kind of check was taken")
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{{out: `{"ID":"sha256:1","Repository":"r/shop","Tag":"v1","Digest":"sha256:d"}
{"ID":"sha256:2","Repository":"r/shop","Tag":"<none>","Digest":"sha256:e","Size":"1MB"}
{"ID":"sha256:3","Repository":"<none>","Tag":"<none>","Digest":"<none>"}
{"ID":"sha256:4","Repository":"r/shop","Tag":"<none>","Digest":"<none>"}
`}}}
	got, err := newEngine(t, s).Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, image := range got {
		names = append(names, image.Name())
	}
	if want := []string{"r/shop:v1", "r/shop@sha256:e", "sha256:3", "sha256:4"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestHasImage(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{
		{}, {err: failure("Error response from daemon: No such image: x")}, {err: failure("is the docker daemon running?")},
	}}
	e := newEngine(t, s)
	has, err := e.HasImage(t.Context(), "x")
	lacks, err2 := e.HasImage(t.Context(), "x")
	_, unknown := e.HasImage(t.Context(), "x")
	if !has || lacks || err != nil || err2 != nil || unknown == nil {
		t.Errorf("got %v %v, %v %v, %v", has, err, lacks, err2, unknown)
	}
}

const shopImage = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:v1"

func TestPullKeepsCredentialsToItself(t *testing.T) {
	t.Parallel()
	s := &script{}
	e := newEngine(t, s)
	asked := 0
	e.Credentials = func(_ context.Context, registry string) (string, error) {
		if asked++; registry != "123456789012.dkr.ecr.eu-central-1.amazonaws.com" {
			t.Errorf("asked for %q", registry)
		}
		return "AWS:hush", nil
	}
	// What a killed run has left.
	left := filepath.Join(e.RuntimeDir, "webstack-docker-1")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	var config string
	s.look = func(c command.Command) {
		dir := strings.TrimPrefix(c.Env[0], "DOCKER_CONFIG=")
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		info, err2 := os.Stat(dir)
		file, err3 := os.Stat(filepath.Join(dir, "config.json"))
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o700 || file.Mode().Perm() != 0o600 {
			t.Errorf("modes %v and %v", info.Mode(), file.Mode())
		}
		config = string(text)
	}
	for range 2 {
		if err := e.Pull(t.Context(), shopImage, func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	if want := `{"auths":{"123456789012.dkr.ecr.eu-central-1.amazonaws.com":{"auth":"QVdTOmh1c2g="}}}`; config != want {
		t.Errorf("configuration %s, want %s", config, want)
	}
	if got := s.calls()[0]; got != "docker pull --quiet "+shopImage {
		t.Errorf("called %q", got)
	}
	if asked != 1 {
		t.Errorf("asked for a token %d times", asked)
	}
	if names, _ := os.ReadDir(e.RuntimeDir); len(names) > 0 {
		t.Errorf("left %v", names)
	}
}

func TestPullTriesAgain(t *testing.T) {
	t.Parallel()
	passing := failure("net/http: TLS handshake timeout")
	for name, test := range map[string]struct {
		answers []answer
		waits   int
		fails   bool
	}{
		"once":    {[]answer{{err: passing}, {}}, 1, false},
		"ever":    {[]answer{{err: passing}, {err: passing}, {err: passing}, {err: passing}}, 3, true},
		"unknown": {[]answer{{err: failure("Error response from daemon: manifest unknown")}}, 0, true},
		"refused": {[]answer{{err: failure("pull access denied for x, repository does not exist")}}, 0, true},
		"broken":  {[]answer{{err: errors.New("fork: out of memory")}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: test.answers}
			e, waits := newEngine(t, s), 0
			err := e.Pull(t.Context(), "caddy:2", func(error) { waits++ })
			if (err != nil) != test.fails || waits != test.waits || len(s.answers) > 0 {
				t.Errorf("got error %v after %d waits, %d answers left", err, waits, len(s.answers))
			}
			if names, _ := os.ReadDir(e.RuntimeDir); len(names) > 0 {
				t.Errorf("left %v", names)
			}
		})
	}
}

func TestPullWithoutToken(t *testing.T) {
	t.Parallel()
	s := &script{}
	e := newEngine(t, s)
	e.Credentials = func(context.Context, string) (string, error) { return "", errors.New("AccessDeniedException") }
	err := e.Pull(t.Context(), shopImage, func(error) {})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied") || len(s.runs) > 0 {
		t.Errorf("got error %v, called %q", err, s.calls())
	}
}

func TestRegistryOf(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"caddy:2": "docker.io", "library/caddy:2": "docker.io", "localhost/x": "localhost", "127.0.0.1:5000/x:y": "127.0.0.1:5000",
		shopImage: "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
	} {
		if got := registryOf(image); got != want {
			t.Errorf("%s: got %q, want %q", image, got, want)
		}
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	s := &script{}
	e := newEngine(t, s)
	if _, err := e.Hold(t.Context(), Container{}, "80", time.Second); err == nil || len(s.runs) > 0 {
		t.Error("without a network of its own, it would be the host's")
	}
	ctx, cancel := context.WithCancel(t.Context())
	release, err := e.Hold(ctx, Container{Namespace: "/run/netns/x"}, "80,443", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	release()
	calls := s.calls()
	const begin = "nsenter --net=/run/netns/x iptables --wait 5 "
	if len(calls) != 2 || calls[1] != begin+"--flush INPUT" ||
		!strings.HasPrefix(calls[0], begin+"--insert INPUT --protocol tcp --syn --match multiport --dports 80,443 --match time --datestop 2") {
		t.Errorf("called %q", calls)
	}
	s = &script{answers: []answer{{err: failure("iptables: No such file or directory")}}}
	if release, err := newEngine(t, s).Hold(t.Context(), Container{Namespace: "x"}, "80", 1); err == nil || release != nil {
		t.Errorf("got error %v", err)
	}
}

func TestWritten(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{{out: "a 0B (virtual 9MB)\nb 1.5kB (virtual 9MB)\nc 2.25GB (virtual 9GB)\nd ?\n"}}}
	got, err := (&Engine{Runner: s, Project: "p"}).Written(t.Context())
	want := map[string]int64{"a": 0, "b": 1500, "c": 2_250_000_000, "d": 0}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}
