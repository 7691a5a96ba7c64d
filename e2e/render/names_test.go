package render

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// ask sends a request for "/path?q=1" with this Host header, as it stands; "" sends HTTP/1.0 without one. sni "" is http.
func (s *server) ask(t *testing.T, sni, host string) answer {
	t.Helper()
	port := s.ports.http
	if sni != "" {
		port = s.ports.https
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if sni != "" {
		conn = tls.Client(conn, &tls.Config{ServerName: sni, InsecureSkipVerify: true})
	}
	request := "GET /path?q=1 HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
	if host == "" {
		request = "GET /path?q=1 HTTP/1.0\r\n\r\n"
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", says("this is shop"))
	s.proxyTo(t, "blog", says("this is blog"))
	const shop, blog = "shop.example.com", "example.com"
	for _, test := range []struct {
		name, sni, host string
		status          int
		app, seen, to   string
	}{
		{"upper case", blog, "EXAMPLE.com", 200, "this is blog", "EXAMPLE.com", ""},
		{"with a port", blog, "example.com:8443", 200, "this is blog", "example.com:8443", ""},
		{"with a dot", blog, "example.com.", 308, "", "", "https://example.com/path?q=1"},
		{"with a dot and a port", blog, "example.com.:443", 308, "", "", "https://example.com/path?q=1"},
		{"with a dot, in upper case", blog, "Example.COM.", 308, "", "", "https://Example.COM/path?q=1"},
		{"with a dot, http", "", "example.com.", 308, "", "", "https://example.com/path?q=1"},
		{"an alias with a dot", "www.example.com", "www.example.com.", 308, "", "", "https://www.example.com/path?q=1"},
		{"an alias with a dot, http", "", "www.example.com.", 308, "", "", "https://www.example.com/path?q=1"},
		{"two dots", blog, "example.com..", 421, "", "", ""},
		{"unknown", shop, "unknown.example.net", 421, "", "", ""},
		{"unknown, http", "", "unknown.example.net", 421, "", "", ""},
		{"unknown with a dot", shop, "unknown.example.net.", 421, "", "", ""},
		{"under an app", "", "x.example.com", 421, "", "", ""},
		{"a name like an address", "", "127.0.0.1.example.net", 421, "", "", ""},
		{"one word", "", "localhost", 421, "", "", ""},
		{"address", shop, "192.0.2.1", 200, "this is shop", shop, ""},
		{"address, http", "", "192.0.2.1", 200, "this is shop", shop, ""},
		{"address and port", "", "192.0.2.1:80", 200, "this is shop", shop, ""},
		{"IPv6 address", "", "[2001:db8::1]", 200, "this is shop", shop, ""},
		{"IPv6 address and port", "", "[2001:db8::1]:80", 200, "this is shop", shop, ""},
		{"no name", "", "", 200, "this is shop", shop, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.ask(t, test.sni, test.host)
			if got.StatusCode != test.status || got.Header.Get("Location") != test.to {
				t.Fatalf("got %s to %q, want %d to %q\n%s", got.Status, got.Header.Get("Location"), test.status, test.to, got.body)
			}
			if test.app == "" {
				if strings.Contains(got.body, "this is") || got.Header.Get("Server") != "" {
					t.Errorf("got %v %q", got.Header, got.body)
				}
				return
			}
			var seen struct {
				App, Host string
				Header    http.Header
			}
			if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
				t.Fatalf("%s: %v", got.body, err)
			}
			if seen.App != test.app || seen.Host != test.seen || seen.Header.Get("X-Forwarded-Host") != test.seen {
				t.Errorf("got %+v, want %s for %s", seen, test.app, test.seen)
			}
		})
	}
}
