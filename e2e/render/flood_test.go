package render

import (
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// send opens a connection and sends this.
func (s *server) send(t *testing.T, request string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", s.httpsAddress(), &tls.Config{ServerName: "shop.example.com", InsecureSkipVerify: true})
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { _ = conn.Close() })
	// Caddy may close it before all is sent.
	_, _ = io.WriteString(conn, request)
	return conn
}

// slowly sends the beginning of a request whose headers never end.
func (s *server) slowly(t *testing.T, length int) *tls.Conn {
	t.Helper()
	return s.send(t, "GET / HTTP/1.1\r\nHost: shop.example.com\r\nX-Long: "+strings.Repeat("a", length))
}

// A visitor holds many connections with unfinished headers. All sites answer, and Caddy's container would survive.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	const connections = 500
	s := &server{host: newHost(t, twoApps().with("acme", "internal")), ports: freePorts(t)}
	limit := int(s.load(t).Services["caddy"].MemLimit >> 20)
	// As Caddy does by default in its container.
	s.env = []string{"GOMEMLIMIT=" + strconv.Itoa(limit*9/10) + "MiB"}
	s.start(t)
	for _, app := range []string{"shop", "blog"} {
		s.proxyTo(t, app, says("this is "+app))
	}
	for _, length := range []int{980 << 10, 30 << 10} {
		var opened sync.WaitGroup
		for range 20 {
			opened.Go(func() {
				for range connections / 20 {
					s.slowly(t, length)
				}
			})
		}
		opened.Wait()
		for _, name := range []string{"shop.example.com", "example.com"} {
			got := s.get(t, s.client(s.trusting(t)), "https://"+name+"/")
			if got.StatusCode != http.StatusOK || !strings.Contains(got.body, "this is") {
				t.Errorf("%s: got %s %q", name, got.Status, got.body)
			}
		}
		peak := s.memory(t)
		t.Logf("%d connections with %d KiB of headers each: Caddy took %d of %d MiB", connections, length>>10, peak, limit)
		if peak > limit {
			t.Errorf("Caddy would have been killed")
		}
	}
}

// Visitors who send nothing are disconnected. Uploads, streams and WebSockets may be as slow as they like.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps(), "read_header 20s", "read_header 3s", "idle 2m", "idle 3s")
	s.proxyTo(t, "blog", echo)
	next := make(chan struct{})
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write(body)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-next
		_, _ = io.WriteString(w, "data: late\n\n")
	})
	socket := s.upgrade(t, "example.com")
	defer func() { _ = socket.conn.Close() }()
	stream, err := s.browser(t, false).Get("https://shop.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	upload, sending := io.Pipe()
	answered := make(chan string, 1)
	go func() {
		resp, err := s.browser(t, false).Post("https://shop.example.com/", "text/plain", upload)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		answered <- string(body)
	}()
	say := func(text string) {
		if _, err := io.WriteString(sending, text); err != nil {
			t.Fatal(err)
		}
	}
	say("first, ")
	for _, begin := range []func() *tls.Conn{
		func() *tls.Conn { return s.slowly(t, 10) },
		func() *tls.Conn { return s.slowly(t, 10) },
		func() *tls.Conn { return s.send(t, "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n") },
	} {
		conn := begin()
		if conn == nil {
			t.Fatal("no connection")
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("a silent connection is never closed: %v", err)
		}
	}
	socket.say(t, "still here")
	say("second")
	_ = sending.Close()
	if got := <-answered; got != "first, second" {
		t.Errorf("the app got %q", got)
	}
	close(next)
	if got, err := io.ReadAll(stream.Body); err != nil || string(got) != "data: late\n\n" {
		t.Errorf("the stream said %q, %v", got, err)
	}
}
