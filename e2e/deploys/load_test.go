package deploys

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// load is visitors who ask for an app, so many times a second: GET and POST, on new connections and on ones that stay open,
// over HTTP/1.1 and HTTP/2. On a busy computer there are fewer: no more than atOnce wait for an answer, because the host
// limits the connections of one address.
type load struct {
	stop func()
	wait sync.WaitGroup

	mu       sync.Mutex
	requests int
	failures []string
	seen     map[string]int // by what the app says that it is
	took     []time.Duration
}

const atOnce = 40

func (w *world) load(domain string, perSecond int) *load {
	ctx, cancel := context.WithCancel(w.Context())
	l := &load{stop: cancel, seen: map[string]int{}}
	body := []byte(strings.Repeat("x", 3000))
	slots := make(chan struct{}, atOnce)
	kinds := []struct{ keep, http2 bool }{{false, false}, {true, false}, {true, true}, {false, true}}
	for _, kind := range kinds {
		client := w.client(kind.keep, kind.http2)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			l.wait.Go(func() {
				pace := time.NewTicker(time.Second * time.Duration(2*len(kinds)) / time.Duration(perSecond))
				defer pace.Stop()
				var open sync.WaitGroup
				defer open.Wait()
				for {
					select {
					case <-ctx.Done():
						return
					case <-pace.C:
					}
					select {
					case slots <- struct{}{}:
						open.Go(func() {
							defer func() { <-slots }()
							l.visit(w.Context(), client, method, "https://"+domain+"/", body)
						})
					default:
					}
				}
			})
		}
	}
	return l
}

func (l *load) visit(ctx context.Context, client *http.Client, method, url string, body []byte) {
	if method == http.MethodGet {
		body = nil
	}
	began := time.Now()
	text, err := ask(ctx, client, method, url, body)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	identity, size, _ := cutLast(text)
	switch {
	case err != nil:
		l.failures = append(l.failures, fmt.Sprintf("%s over %v: %v", method, client.Transport.(*http.Transport).Protocols, err))
	case size != fmt.Sprint(len(body)):
		l.failures = append(l.failures, fmt.Sprintf("%s: the app got %s of %d bytes", method, size, len(body)))
	default:
		l.seen[identity]++
		l.took = append(l.took, took)
	}
}

// cutLast cuts the last word off a text.
func cutLast(text string) (before, last string, ok bool) {
	i := strings.LastIndex(text, " ")
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// wentWell ends the load and expects that every request was answered by one of these.
func (l *load) wentWell(t testing.TB, want ...string) {
	t.Helper()
	l.stop()
	l.wait.Wait()
	t.Logf("%d requests, answered by %v", l.requests, l.seen)
	if len(l.failures) > 0 || l.requests == 0 {
		t.Errorf("%d of %d requests failed, the first: %s", len(l.failures), l.requests, strings.Join(l.failures[:min(5, len(l.failures))], "\n"))
	}
	for identity := range l.seen {
		found := false
		for _, one := range want {
			found = found || one == identity
		}
		if !found {
			t.Errorf("answered by %q, want %q", identity, want)
		}
	}
}

// socket is an open WebSocket to an app.
type socket struct {
	conn *websocket.Conn
	err  chan error // when it ended
}

// open opens a WebSocket and says something every 100 ms until it ends.
func (w *world) open(domain string) *socket {
	w.Helper()
	//nolint:bodyclose // the library does that
	conn, _, err := websocket.Dial(w.Context(), "wss://"+domain+"/ws", &websocket.DialOptions{HTTPClient: w.client(false, false)})
	if err != nil {
		w.Fatal(err)
	}
	s := &socket{conn, make(chan error, 1)}
	ctx := w.Context()
	go func() {
		pace := time.NewTicker(100 * time.Millisecond)
		defer pace.Stop()
		for {
			err := conn.Write(ctx, websocket.MessageText, []byte("hello"))
			if err == nil {
				_, _, err = conn.Read(ctx)
			}
			if err != nil {
				s.err <- err
				return
			}
			<-pace.C
		}
	}()
	return s
}

// alive expects that the WebSocket never ended.
func (s *socket) alive(t testing.TB) {
	t.Helper()
	select {
	case err := <-s.err:
		t.Errorf("a WebSocket ended: %v", err)
	default:
	}
	_ = s.conn.CloseNow()
}

// usual is how many visitors come in a second; some come to the app that is not deployed.
const usual, some = 200, 20

// Through 20 deploys, a rollback, a converge and a change of a certificate, visitors notice nothing.
func visitorsDoNotNotice(t *testing.T, w *world) {
	w.push("shop", "v2", "")
	w.push("shop", "v3", "")
	other := w.open(blog)
	shops, blogs := w.load(shop, usual), w.load(blog, some)
	for i := range 20 {
		w.deploys("shop", []string{"v2", "v3"}[i%2])
	}
	if out, err := w.webstack("rollback", "shop"); err != nil {
		t.Errorf("rollback: %v\n%s", err, out)
	}
	w.c.MustConverge()
	w.c.OnHost("touch /opt/webstack/caddy/Caddyfile && echo >>/opt/webstack/caddy/Caddyfile")
	w.c.MustConverge()
	shops.wentWell(t, "shop v1", "shop v2", "shop v3")
	blogs.wentWell(t, "blog v1")
	other.alive(t)
	w.runs(shop, "shop v2")
}

// What is in flight at the old container ends by itself, or when the drain time is over.
func inFlight(t *testing.T, w *world) {
	w.push("shop", "w1", "")
	w.push("shop", "w2", "")
	w.deploys("shop", "w1")
	slow := make(chan error, 1)
	go func() {
		text, err := ask(t.Context(), w.client(false, false), http.MethodGet, "https://"+shop+"/slow?for=20s", nil)
		if err == nil && text != "shop w1" {
			err = fmt.Errorf("answered by %q", text)
		}
		slow <- err
	}()
	same := w.open(shop)
	began := time.Now()
	w.deploys("shop", "w2")
	if err := <-slow; err != nil {
		t.Errorf("a request of 20 s: %v", err)
	}
	err := <-same.err
	if open := time.Since(began); open < 25*time.Second {
		t.Errorf("the WebSocket ended %s after the deploy began, before the drain time was over: %v", open, err)
	}
	w.runs(shop, "shop w2")
}
