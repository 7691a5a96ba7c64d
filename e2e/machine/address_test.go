package machine

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// server is a web server that says which machine it is on and which path was requested. It is a system service, so it
// is back after a reboot.
const server = `set -e
cat > /usr/local/bin/answer <<'END'
#!/bin/bash
read -r method path rest
printf 'HTTP/1.0 200 OK\r\n\r\nhere is %s' "$path"
END
chmod +x /usr/local/bin/answer
cat > /etc/systemd/system/web.socket <<'END'
[Socket]
ListenStream=80
Accept=yes
[Install]
WantedBy=sockets.target
END
cat > /etc/systemd/system/web@.service <<'END'
[Service]
ExecStart=/usr/local/bin/answer
StandardInput=socket
END
systemctl enable --now web.socket`

func TestAddress(t *testing.T) {
	l := open(t)
	ctx := t.Context()
	id := l.boot(l.spec())
	l.sh(id, server)
	address, other := loopback(t), loopback(t)
	if err := l.Expose(ctx, id, address); err != nil {
		t.Fatal(err)
	}
	at := l.Addresses(id)
	if got := get(t, at.Public.HTTP, "/public"); got != "here is /public" {
		t.Errorf("%s answers %q", at.Public.HTTP, got)
	}
	if got := get(t, at.Local.HTTP, "/local"); got != "here is /local" {
		t.Errorf("%s answers %q", at.Local.HTTP, got)
	}
	if err := l.Expose(ctx, id, other); err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", at.Public.HTTP, time.Second); err == nil {
		t.Error("the removed address still answers")
	}
	if err := l.Reboot(ctx, id); err != nil {
		t.Fatal(err)
	}
	l.await(id)
	after := l.Addresses(id)
	if after.Local != at.Local {
		t.Errorf("its local address was %v and is %v", at.Local, after.Local)
	}
	l.eventually("it answers after a reboot", func() bool {
		got, err := tryGet(ctx, after.Public.HTTP, "/again")
		return err == nil && got == "here is /again"
	})
	token := l.sh(id, "curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token")
	if got := l.sh(id, "curl -sf -H 'X-aws-ec2-metadata-token: "+token+"' http://169.254.169.254/latest/meta-data/public-ipv4"); got != other {
		t.Errorf("the metadata service says %s, want %s", got, other)
	}
	if err := l.Expose(ctx, id, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := net.DialTimeout("tcp", after.Public.HTTP, time.Second); err == nil {
		t.Error("the removed address still answers")
	}
	if err := l.Expose(ctx, id, "10.0.0.1"); err == nil {
		t.Error("an address of a real network was taken")
	}
}

// loopback returns a random loopback address.
func loopback(t *testing.T) string {
	t.Helper()
	var b [2]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.78.%d.%d", b[0], 1+b[1]%250)
}

func get(t *testing.T, address, path string) string {
	t.Helper()
	got, err := tryGet(t.Context(), address, path)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func tryGet(ctx context.Context, address, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return "", err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return strings.TrimSpace(string(body)), err
}
