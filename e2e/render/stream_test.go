package render

import (
	"bufio"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// browser makes a client that accepts what browsers do.
func (s *server) browser(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	client := s.client(s.trusting(t))
	client.Timeout = 2 * time.Minute
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = http2
	return client
}

const browserEncodings = "gzip, deflate, br, zstd"

// What an app flushes, its headers included, reaches the visitor before the app continues.
func TestStreamsAreNotHeld(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	more := make(chan bool)
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("kind"))
		if length := r.URL.Query().Get("length"); length != "" {
			w.Header().Set("Content-Length", length)
		}
		flush := http.NewResponseController(w).Flush
		for lines := 0; flush() == nil; lines++ {
			if lines == 3 && r.URL.Query().Get("length") != "" {
				return // all that was announced is sent
			}
			select {
			case on := <-more:
				if !on {
					return
				}
				_, _ = io.WriteString(w, "data: once\n")
			case <-r.Context().Done():
				return
			}
		}
	})
	for _, test := range []struct {
		kind, length string
	}{
		{"text/event-stream", ""}, {"application/x-ndjson", ""}, {"application/jsonl", ""}, {"application/json", ""},
		{"application/json; charset=utf-8", ""}, {"text/plain", ""}, {"text/csv", ""}, {"application/octet-stream", ""},
		{"application/zip", ""}, {"application/grpc-web+proto", ""}, {"application/grpc-web-text", ""},
		{"multipart/x-mixed-replace; boundary=x", ""}, {"video/mp4", ""}, {"application/xml", ""}, {"", ""},
		{"application/octet-stream", "33"}, {"video/mp4", "33"},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %s HTTP/2 %t", test.kind, test.length, http2), func(t *testing.T) {
				query := url.Values{"kind": {test.kind}, "length": {test.length}}.Encode()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://shop.example.com/?"+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Accept-Encoding", browserEncodings)
				resp, err := s.browser(t, http2).Do(req) // returns with the headers
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				if got := resp.Header.Get("Content-Encoding"); got != "" || resp.ProtoMajor == 2 != http2 {
					t.Errorf("%s is encoded as %q", resp.Proto, got)
				}
				lines := bufio.NewReader(resp.Body)
				for range 3 {
					more <- true
					if line, err := lines.ReadString('\n'); err != nil || line != "data: once\n" {
						t.Fatalf("heard %q, %v", line, err)
					}
				}
				if test.length == "" { // the others end on their own
					more <- false
				}
				if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
					t.Errorf("at the end: %q, %v", rest, err)
				}
			})
		}
	}
}

// When the visitor of a stream leaves, the app is told.
func TestStreamsEndWithTheirVisitor(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	left := make(chan struct{})
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(left)
	})
	resp, err := s.browser(t, true).Get("https://shop.example.com/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	<-left
}

func TestDocumentsAreCompressed(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	const tag = `"7f3a"`
	long := strings.Repeat("all work and no play makes a dull page\n", 200)
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		w.Header().Set("Etag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Method == http.MethodPut {
			_, _ = io.WriteString(w, r.Header.Get("If-Match"))
			return
		}
		if r.URL.Query().Has("sized") {
			w.Header().Set("Content-Length", strconv.Itoa(len(long)))
		}
		if r.Header.Get("Range") != "" {
			w.Header().Set("Content-Range", "bytes 0-7799/9000")
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = io.WriteString(w, long)
	})
	client := s.client(s.trusting(t))
	for _, test := range []struct {
		query, encoding string
		header          []string
	}{
		{"type=text/html", "gzip", nil},
		{"type=text/html%3B+charset%3Dutf-8&sized", "gzip", nil},
		{"type=text/css", "gzip", nil},
		{"type=text/javascript", "gzip", nil},
		{"type=application/json&sized", "gzip", nil},
		{"type=application/vnd.api%2Bjson&sized", "gzip", nil},
		{"type=text/plain&sized", "gzip", nil},
		{"type=image/svg%2Bxml&sized", "gzip", nil},
		{"type=image/png&sized", "", nil},
		{"type=application/zip&sized", "", nil},
		{"type=application/json", "", nil},
		{"type=text/plain&sized", "", []string{"Range", "bytes=0-7799"}},
		{"type=text/plain&sized", "", []string{"Cache-Control", "no-transform"}},
	} {
		header := append([]string{"Accept-Encoding", "gzip"}, test.header...)
		got := s.get(t, client, "https://shop.example.com/?"+test.query, header...)
		if got.Header.Get("Content-Encoding") != test.encoding || got.Header.Get("Via") != "" {
			t.Errorf("%s %v: got %v, want encoding %q", test.query, test.header, got.Header, test.encoding)
			continue
		}
		body := got.body
		if test.encoding != "" {
			unpack, err := gzip.NewReader(strings.NewReader(got.body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(unpack)
			if err != nil {
				t.Fatal(err)
			}
			body = string(plain)
		}
		if body != long {
			t.Errorf("%s: the visitor reads %d other bytes", test.query, len(body))
		}
	}
	// A browser that has the compressed form asks for it by the tag that it was given.
	const page = "https://shop.example.com/?type=text/html"
	given := s.get(t, client, page, "Accept-Encoding", "gzip").Header.Get("Etag")
	again := s.get(t, client, page, "Accept-Encoding", "gzip", "If-None-Match", given)
	if given == tag || again.StatusCode != http.StatusNotModified {
		t.Errorf("by its tag %s: got %s", given, again.Status)
	}
	for sent, want := range map[string]string{given: tag, `"a", ` + given: `"a", ` + tag, `W/"a-gzip"`: `W/"a-gzip"`, "*": "*"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, page, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-Match", sent)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != want {
			t.Errorf("If-Match: %s reaches the app as %s, want %s", sent, body, want)
		}
		_ = resp.Body.Close()
	}
}

// zeros is a reader of that many zero bytes, none of them kept in memory.
type zeros struct{ left int64 }

func (z *zeros) Read(b []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), z.left)
	z.left -= n
	return int(n), nil
}

// memory returns the most that Caddy has had in memory so far, in MiB.
func (s *server) memory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/status")
	if err != nil {
		t.Skip("needs Linux: ", err)
	}
	peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if peak == nil {
		t.Fatalf("no peak in\n%s", status)
	}
	kib, err := strconv.Atoi(string(peak[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

func TestUploadsPassThrough(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintln(w, n, err)
	})
	before := s.memory(t)
	for _, test := range []struct {
		http2        bool
		size, length int64
	}{{false, 2 << 30, 2 << 30}, {false, 256 << 20, -1}, {true, 256 << 20, 256 << 20}, {true, 256 << 20, -1}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://shop.example.com/", &zeros{test.size})
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = test.length
		resp, err := s.browser(t, test.http2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if want := fmt.Sprintln(test.size, nil); err != nil || string(got) != want {
			t.Errorf("%+v: got %s %q, %v", test, resp.Status, got, err)
		}
	}
	if after := s.memory(t); after > before+64 {
		t.Errorf("Caddy took %d MiB, after %d MiB", after, before)
	}
}

// A client that asks before it sends gets the app's answer, and sends nothing that the app refuses.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	var asked atomic.Int64
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") == "100-continue" {
			asked.Add(1)
		}
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	ask := func(path string) (*tls.Conn, *bufio.Reader) {
		config := s.trusting(t)
		config.ServerName = "shop.example.com"
		conn, err := tls.Dial("tcp", s.httpsAddress(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
			path); err != nil {
			t.Fatal(err)
		}
		return conn, bufio.NewReader(conn)
	}
	conn, r := ask("/")
	first, err := http.ReadResponse(r, nil)
	if err != nil || first.StatusCode != http.StatusContinue {
		t.Fatalf("before it is sent, heard %v, %v", first, err)
	}
	_ = first.Body.Close()
	if _, err := io.WriteString(conn, "order"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(r, nil)
	for err == nil && resp.StatusCode == http.StatusContinue { // once from Caddy and once from the app, when both say so
		_ = resp.Body.Close()
		resp, err = http.ReadResponse(r, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "order" {
		t.Errorf("got %s %q", resp.Status, body)
	}
	_ = resp.Body.Close()

	_, r = ask("/refused")
	resp, err = http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s, want the app's answer before anything is sent", resp.Status)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the app was asked %d times", got)
	}
}
