package guard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
)

func TestPagesAndForeignNamesAreRefused(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for name, tt := range map[string]struct {
		host, origin string
		names, pages int // the status of NoNames and NoPages
	}{
		"an address":                        {"127.0.0.1:4566", "", 204, 204},
		"the address of version 6":          {"[::1]:4566", "", 204, 204},
		"an address without port":           {"169.254.170.1", "", 204, 204},
		"localhost":                         {"localhost:4566", "", 204, 204},
		"a name that leads here":            {"rebound.example.com:4566", "", 421, 204},
		"a name that looks like an address": {"127.0.0.1.example.com", "", 421, 204},
		"no name":                           {"", "", 421, 204},
		"a web page":                        {"127.0.0.1:4566", "https://example.com", 403, 403},
		"a page in a sandbox":               {"127.0.0.1:4566", "null", 403, 403},
		"a page of this service's own":      {"127.0.0.1:4566", "http://127.0.0.1:4566", 403, 403},
	} {
		for _, one := range []struct {
			handler http.Handler
			want    int
		}{{NoNames(ok), tt.names}, {NoPages(ok), tt.pages}} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			request.Host = tt.host
			if tt.origin != "" {
				request.Header.Set("Origin", tt.origin)
			}
			recorded := httptest.NewRecorder()
			one.handler.ServeHTTP(recorded, request)
			if recorded.Code != one.want || recorded.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %d, want %d; %v", name, recorded.Code, one.want, recorded.Header())
			}
		}
	}
}

// A connection of the same user is accepted, and its owner is known.
func TestConnectionsHaveAnOwner(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the system does not tell whose a connection is")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	guarded := OwnUser(listener)
	defer func() { _ = guarded.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := guarded.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	owner, known, err := ownerOf(server)
	if err != nil || !known || owner != os.Getuid() {
		t.Errorf("owner %d, %t, %v", owner, known, err)
	}
	if os.Getuid() != 0 && mayUse(server, os.Getuid()+1) {
		t.Error("another user's connection would be accepted")
	}
	_ = client.Close()
	// The kernel has no owner for closed connections, and says root.
	if mayUse(server, os.Getuid()) {
		t.Error("a connection whose other end is closed is accepted")
	}
}

// Another user's program gets no answer. Only root can be another user for a moment.
func TestOtherUsersAreRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("only root on Linux can connect as another user")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) })}
	go func() { _ = server.Serve(OwnUser(listener)) }()
	defer func() { _ = server.Close() }()
	ask := func(uid uint32) string {
		command := exec.CommandContext(t.Context(), "bash", "-c",
			`exec 3<>/dev/tcp/127.0.0.1/"$1" && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3`, "ask", portOf(listener))
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, _ := command.Output() // a connection that is closed is an error or nothing
		return string(out)
	}
	if got := ask(0); got == "" {
		t.Error("root gets no answer")
	}
	if got := ask(65534); got != "" {
		t.Errorf("another user gets %q", got)
	}
}

func portOf(listener net.Listener) string {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}
