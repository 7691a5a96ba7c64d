package docker

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What has a name, or a container, is never removed.
func TestRemoveAnonymousVolumes(t *testing.T) {
	t.Parallel()
	list := "docker volume ls --quiet --filter dangling=true --filter label=com.docker.volume.anonymous"
	for name, test := range map[string]struct {
		answers []answer
		want    []string
		removed int
		fails   bool
	}{
		"none":     {[]answer{{out: "\n"}}, []string{list}, 0, false},
		"two":      {[]answer{{out: "a\nb\n"}, {}}, []string{list, "docker volume rm a b"}, 2, false},
		"one goes": {[]answer{{out: "a\n"}, {err: failure("Error: No such volume: a")}}, []string{list, "docker volume rm a"}, 1, false},
		"in use":   {[]answer{{out: "a\n"}, {err: failure("volume is in use")}}, []string{list, "docker volume rm a"}, 0, true},
		"silent":   {[]answer{{err: failure("Cannot connect")}}, []string{list}, 0, true},
	} {
		s := &script{answers: test.answers}
		removed, err := newEngine(t, s).RemoveAnonymousVolumes(t.Context())
		if removed != test.removed || (err != nil) != test.fails || !slices.Equal(s.calls(), test.want) {
			t.Errorf("%s: removed %d, called %q, error %v", name, removed, s.calls(), err)
		}
	}
}

// Only what docker compose run has made for this project goes, and not before somebody could look at it.
func TestRemoveOneOffs(t *testing.T) {
	t.Parallel()
	s := &script{}
	if err := newEngine(t, s).RemoveOneOffs(t.Context()); err != nil {
		t.Error(err)
	}
	want := []string{"docker container prune --force --filter label=com.docker.compose.project=webstack " +
		"--filter label=com.docker.compose.oneoff=True --filter until=24h"}
	if got := s.calls(); !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
}

// Somebody who cleans up at the same time is no problem. Everything else is.
func TestTwoPrunes(t *testing.T) {
	t.Parallel()
	for message, fails := range map[string]bool{
		"Error response from daemon: a prune operation is already running": false, "Cannot connect": true,
	} {
		s := &script{answers: []answer{{err: failure(message)}, {err: failure(message)}}}
		e := newEngine(t, s)
		for _, err := range []error{e.RemoveOneOffs(t.Context()), e.RemoveBuildCache(t.Context())} {
			if (err != nil) != fails {
				t.Errorf("%s: error %v", message, err)
			}
		}
	}
}

func TestRemoveTakesAnonymousVolumesAlong(t *testing.T) {
	t.Parallel()
	s := &script{}
	if err := newEngine(t, s).Remove(t.Context(), "a"); err != nil || !slices.Equal(s.calls(), []string{"docker rm --force --volumes a"}) {
		t.Errorf("called %q, error %v", s.calls(), err)
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{{out: "edge\ndb\n\n"}, {err: failure("Error: No such network: webstack_db")}}}
	e := newEngine(t, s)
	names, err := e.Networks(t.Context())
	if err != nil || !slices.Equal(names, []string{"edge", "db"}) {
		t.Errorf("got %q, %v", names, err)
	}
	if err := e.RemoveNetwork(t.Context(), "db"); err != nil {
		t.Error(err)
	}
	if got := s.calls(); len(got) != 2 || !strings.Contains(got[0], "label=com.docker.compose.project=webstack") ||
		got[1] != "docker network rm webstack_db" {
		t.Errorf("called %q", got)
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	dir := filepath.Join(proc, "4711", "net")
	table := func(addresses ...string) []byte {
		text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
		for i, address := range addresses {
			text += fmt.Sprintf("%4d: %s 00000000:00000000 00:00000000 00000000     0        0 21 1\n", i, address)
		}
		return []byte(text)
	}
	err := errors.Join(os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "tcp"), table("0100007F:0BB8 00000000:0000 0A", "0B00007F:9A2B 00000000:0000 0A",
			"050011AC:0BB8 010011AC:D431 01", "broken"), 0o644),
		os.WriteFile(filepath.Join(dir, "tcp6"), table(
			"00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A",
			"00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A",
			"0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	e := &Engine{Proc: proc}
	var want []netip.AddrPort
	for _, address := range []string{"127.0.0.1:80", "127.0.0.1:3000", "127.0.0.11:39467", "[::]:8080", "[::1]:3000"} {
		want = append(want, netip.MustParseAddrPort(address))
	}
	if got := e.Listening(Container{PID: 4711}); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := e.Listening(Container{PID: 4712}); got != nil {
		t.Errorf("of a process that is gone: %v", got)
	}
	if got := e.Listening(Container{}); got != nil {
		t.Errorf("of a container that does not run: %v", got)
	}
}
