package gateway

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"
)

const (
	// loginLife is how long a login to the registry is valid.
	loginLife = 12 * time.Hour
	// loginUser is the user name for a login's token.
	loginUser = "AWS"
)

// login is the login of a token of GetAuthorizationToken.
type login struct {
	session *session // nil for the laptop cloud's own clients
	region  string
	ends    time.Time
}

// getAuthorizationToken returns a login that may do what its caller may.
func (g *Gateway) getAuthorizationToken(w http.ResponseWriter, r *http.Request, c call) {
	account, err := g.accountID(r.Context(), c.region)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	token, now := random(60), g.now()
	g.issued.mu.Lock()
	for old, login := range g.issued.logins {
		if now.After(login.ends) {
			delete(g.issued.logins, old)
		}
	}
	made := login{session: g.issued.sessions[c.key], region: c.region, ends: now.Add(loginLife)}
	g.issued.logins[token] = made
	g.issued.mu.Unlock()
	c.answer(w, map[string]any{"authorizationData": []any{map[string]any{
		"authorizationToken": base64.StdEncoding.EncodeToString([]byte(loginUser + ":" + token)),
		"expiresAt":          made.ends.Unix(), "proxyEndpoint": registryAddress(r, account, c.region),
	}}})
}

// registryAddress returns where the client finds the registry: on this computer at this endpoint's port, on a machine
// by the name that it has on AWS.
func registryAddress(r *http.Request, account, region string) string {
	if strings.HasPrefix(r.Host, "127.") || strings.HasPrefix(r.Host, "localhost") {
		return "http://" + r.Host
	}
	return "https://" + account + ".dkr.ecr." + region + ".amazonaws.com"
}

// loginOf returns the login of a request to the registry.
func (g *Gateway) loginOf(user, token string) (login, bool) {
	g.issued.mu.Lock()
	defer g.issued.mu.Unlock()
	found, ok := g.issued.logins[token]
	return found, ok && user == loginUser && g.now().Before(found.ends)
}
