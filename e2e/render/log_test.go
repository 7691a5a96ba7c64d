package render

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"webstack/config"
)

// Nothing that may be secret is in Caddy's log, whether the request succeeded or not.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"query-secret", "bare-secret", "cookie-secret", "basic-secret", "key-secret", "own-secret", "referer-secret",
		"set-secret", "location-secret",
	}
	for _, test := range []struct {
		setting     string
		has, hasNot []string
	}{
		{config.AccessLogRedacted, []string{`"uri":"/went-well?REDACTED"`, `"status":302`, `"client_ip":"127.0.0.1"`,
			`"user_agent":"curl/8"`, `"referer":"https://else.example.net/?REDACTED"`, `"uri":"/broken?REDACTED"`}, secrets},
		{config.AccessLogOff, []string{`"uri":"/half?REDACTED"`}, append(secrets, "/went-well")},
		{config.AccessLogFull, []string{"key-secret", `"uri":"/broken?token=query-secret`}, []string{"cookie-secret", "basic-secret", "set-secret"}},
	} {
		t.Run(test.setting, func(t *testing.T) {
			t.Parallel()
			s := serve(t, twoApps().with("accessLog", test.setting))
			s.proxyTo(t, "shop", func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/broken" {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						_ = conn.Close()
					}
					return
				}
				if r.URL.Path == "/half" {
					w.Header().Set("Content-Length", "100")
					return
				}
				w.Header().Set("Set-Cookie", "session=set-secret")
				w.Header().Set("Location", "/?token=location-secret")
				w.WriteHeader(http.StatusFound)
			})
			client := s.client(s.trusting(t))
			for _, path := range []string{"half", "went-well", "broken"} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
					"https://shop.example.com/"+path+"?token=query-secret&bare-secret", nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range map[string]string{
					"Cookie": "session=cookie-secret", "Authorization": "Basic basic-secret", "X-Api-Key": "key-secret",
					"X-Own": "own-secret", "Referer": "https://else.example.net/?token=referer-secret", "User-Agent": "curl/8",
				} {
					req.Header.Set(name, value)
				}
				// The request that is broken off may or may not have an answer.
				if resp, err := client.Do(req); err == nil {
					_ = resp.Body.Close()
				}
			}
			eventually(t, fmt.Sprintf("the log does not have all of %q", test.has), func() bool {
				for _, text := range test.has {
					if !strings.Contains(s.said.String(), text) {
						return false
					}
				}
				return true
			})
			for _, text := range test.hasNot {
				if strings.Contains(s.said.String(), text) || strings.Contains(s.said.String(), url.QueryEscape(text)) {
					t.Errorf("the log has %q", text)
				}
			}
		})
	}
}
