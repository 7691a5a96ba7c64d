package render

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// lies are headers of proxies with which a visitor may make false claims.
func lies() map[string]string {
	all := map[string]string{}
	for _, name := range strings.Fields(`
		Forwarded X-Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Forwarded-Protocol X-Forwarded-Port
		X-Forwarded-Prefix X-Forwarded-Ssl X-Forwarded-Scheme X-Forwarded-Server X-Forwarded-By X-Forwarded-Uri
		X-Forwarded-User X-Forwarded-Email X-Forwarded-Client-Cert Forwarded-For X-Forward-For X-Original-Forwarded-For
		X-Original-Url X-Original-Uri X-Original-Host X-Original-Proto X-Original-Remote-Addr X-Rewrite-Url
		X-Real-Ip X-Client-Ip Client-Ip True-Client-Ip X-Cluster-Client-Ip Fastly-Client-Ip Fly-Client-Ip X-Azure-Clientip
		X-Azure-Socketip Cf-Connecting-Ip Cf-Connecting-Ipv6 Cf-Pseudo-Ipv4 Cf-Visitor Do-Connecting-Ip
		X-Remote-Ip X-Remote-Addr Remote-Addr X-Originating-Ip X-Envoy-External-Address X-Appengine-User-Ip
		Wl-Proxy-Client-Ip Proxy-Client-Ip Cdn-Src-Ip Ali-Cdn-Real-Ip X-Proxyuser-Ip
		X-Host X-Http-Host-Override X-Server-Name X-Scheme X-Url-Scheme X-Https Front-End-Https Proxy
		Remote-User X-Remote-User Remote-Groups X-Authenticated-User X-Webauth-User X-Auth-Request-Email
		X-Ssl-Client-Cert Ssl-Client-Verify X-Client-Cert Client-Cert Client-Cert-Chain
		X-Amzn-Oidc-Identity X-Goog-Authenticated-User-Email X-Ms-Client-Principal Tailscale-User-Login
		X_Forwarded_For X-Forwarded_Host x_real_ip CLIENT_IP Remote_User`) {
		all[name] = "203.0.113.66"
	}
	return all
}

// believed are the headers that an app may trust.
var believed = []string{"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"}

// An app learns who the visitor is only from Caddy. Whether Cloudflare is trusted is a setting of each app.
func TestAppsGetNoForgedHeaders(t *testing.T) {
	t.Parallel()
	const cloudflare, elsewhere = "127.0.0.0/8", "192.0.2.0/24"
	for _, test := range []struct {
		name, trusted, host string
		s                   stack
		send                map[string]string
		visitor             string
		kept                bool // Cloudflare's other headers
	}{
		{"no app is proxied", "", "shop.example.com", twoApps(), nil, "127.0.0.1", false},
		{"from Cloudflare", cloudflare, "shop.example.com", proxied(),
			map[string]string{"Cf-Connecting-Ip": "203.0.113.9", "X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9", true},
		{"from Cloudflare without the visitor", cloudflare, "shop.example.com", proxied(),
			map[string]string{"Cf-Connecting-Ip": "", "X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9", true},
		{"not from Cloudflare", elsewhere, "shop.example.com", proxied(), nil, "127.0.0.1", false},
		{"beside a proxied app", cloudflare, "example.com", proxied(), nil, "127.0.0.1", false},
		{"an address beside a proxied app", cloudflare, "192.0.2.1", proxied(), nil, "127.0.0.1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var edits []string
			if test.trusted != "" {
				edits = []string{"173.245.48.0/20", test.trusted}
			}
			s := serve(t, test.s, edits...)
			for _, app := range []string{"shop", "blog"} {
				s.proxyTo(t, app, says(app))
			}
			send := []string{"Cf-Ipcountry", "XX", "X-Own", "kept"}
			for name, value := range lies() {
				if own, ok := test.send[name]; ok {
					value = own
				}
				if value != "" {
					send = append(send, name, value)
				}
			}
			config := s.trusting(t)
			config.InsecureSkipVerify = test.host == "192.0.2.1"
			got := s.get(t, s.client(config), "https://"+test.host+"/", send...)
			var seen struct{ Header http.Header }
			if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
				t.Fatalf("%s: %v", got.body, err)
			}
			host := test.host
			if host == "192.0.2.1" {
				host = "shop.example.com"
			}
			for name, want := range map[string]string{
				"X-Real-Ip": test.visitor, "X-Forwarded-For": test.visitor, "X-Forwarded-Proto": "https", "X-Forwarded-Host": host,
				"X-Own": "kept", "Cf-Ipcountry": map[bool]string{true: "XX"}[test.kept],
			} {
				if got := strings.Join(seen.Header.Values(name), "|"); got != want {
					t.Errorf("the app sees %s: %q, want %q", name, got, want)
				}
			}
			for name := range lies() {
				if got := seen.Header[http.CanonicalHeaderKey(name)]; got != nil && !slices.Contains(believed, name) {
					t.Errorf("the app sees %s: %q", name, got)
				}
			}
		})
	}
}
