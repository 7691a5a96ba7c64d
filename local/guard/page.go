package guard

import (
	"net"
	"net/http"
)

// NoPages refuses what a web page may have sent: a request that names an origin, as those of scripts and forms do. No
// client of the laptop cloud's does that.
func NoPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "this service is not for web pages", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// NoNames is NoPages, and refuses requests for a host name as well: a page can have its own name resolved to this
// computer's address, and a browser then takes the service for a part of its site. What remains are addresses and
// localhost.
func NoNames(next http.Handler) http.Handler {
	return NoPages(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAddress(r.Host) {
			http.Error(w, "this service has no such name: ask for it by its address", http.StatusMisdirectedRequest)
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
