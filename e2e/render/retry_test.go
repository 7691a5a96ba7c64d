package render

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// A request that the app has received is not sent again. The one exception are safe methods, which change nothing, on a
// connection that was used before: the app may have closed it before it saw the request.
func TestRequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, twoApps())
	var received atomic.Int64
	s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/well" {
			_, _ = io.WriteString(w, "well")
			return
		}
		received.Add(1)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	})
	client := s.client(s.trusting(t))
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, before := range []int{0, 3} {
			for range before {
				s.get(t, client, "https://shop.example.com/well")
			}
			received.Store(0)
			req, err := http.NewRequestWithContext(t.Context(), method, "https://shop.example.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if method == http.MethodPost {
				req.Body = io.NopCloser(strings.NewReader("order"))
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			most := int64(1)
			if before > 0 && (method == http.MethodGet || method == http.MethodHead) {
				most = 2
			}
			if got := received.Load(); got < 1 || got > most || resp.StatusCode != http.StatusBadGateway {
				t.Errorf("%s after %d others: the app received it %d times, the visitor got %s", method, before, got, resp.Status)
			}
		}
	}
}
