package guard

import (
	"net"
	"net/http"
)

// NoPages rejects requests that a web page may have sent: those that name an origin, as requests of scripts and forms
// do. No client of the laptop cloud does that.
func NoPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "this service is not for web pages", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// NoNames is like NoPages, and also rejects requests for a host name: a page can make its own name resolve to this
// computer's address, and a browser then treats the service as part of its site. Only addresses and localhost are
// accepted.
func NoNames(next http.Handler) http.Handler {
	return NoPages(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAddress(r.Host) {
			http.Error(w, "this service has no such name: use its address", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func isAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host) != nil
}
