package machine

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// mayNot marks a test program that may not listen on ports below 1024.
const mayNot = "WEBSTACK_TEST_MAY_NOT_LISTEN"

// On Linux, users of Docker get the real ports on an instance's address, even if they are not root.
func TestRealPortsWithoutRoot(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has addresses for each instance")
	}
	if os.Getenv(mayNot) == "" && os.Geteuid() == 0 {
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Skip("without setpriv root cannot give the right up: ", err)
		}
		t.Parallel()
		again := exec.CommandContext(t.Context(), setpriv, "--bounding-set", "-net_bind_service", os.Args[0],
			"-test.run", "^"+t.Name()+"$", "-test.v")
		again.Env = append(os.Environ(), mayNot+"=1")
		out, err := again.CombinedOutput()
		t.Logf("%s", out)
		if err != nil || strings.Contains(string(out), "--- SKIP") {
			t.Errorf("as one who may not: %v", err)
		}
		return
	}
	l := open(t)
	id := l.boot(l.spec())
	address := loopback(t)
	if err := l.Expose(t.Context(), id, address); err != nil {
		t.Fatal(err)
	}
	at := l.Addresses(id)
	if at.Public.HTTP != fmt.Sprintf("%s:80", address) || at.Public.HTTPS != fmt.Sprintf("%s:443", address) {
		t.Errorf("it is at %+v", at.Public)
	}
	// The ports are the real ones although nothing was listening on the machine yet.
	l.sh(id, server)
	if got := get(t, at.Public.HTTP, "/front"); got != "here is /front" {
		t.Errorf("%s answers %q", at.Public.HTTP, got)
	}
	if err := l.Reboot(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	l.eventually("it answers after a reboot", func() bool {
		got, err := tryGet(t.Context(), at.Public.HTTP, "/again")
		return err == nil && got == "here is /again"
	})
	if err := l.Expose(t.Context(), id, ""); err != nil {
		t.Fatal(err)
	}
	l.eventually("the port is closed", func() bool {
		_, err := tryGet(t.Context(), at.Public.HTTP, "/")
		return err != nil
	})
}
