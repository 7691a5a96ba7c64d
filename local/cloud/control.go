package cloud

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"

	"webstack/local/machine"
	"webstack/local/provider"
)

// created is the answer to which resource was created for a URN.
type created struct {
	ID string `json:"id"`
}

// control is the endpoint through which webstack-local talks to the running laptop cloud.
type control struct {
	id      string
	journal *provider.Journal
	stop    context.CancelFunc
	engine  *machine.Engine // nil without hosts
}

// Host is where a machine answers on this computer.
type Host struct {
	// InstanceID is EC2's.
	InstanceID string `json:"instanceId"`
	// Addresses are all empty for a machine that never had a public address.
	Addresses machine.Addresses `json:"addresses"`
}

// handler answers GET /webstack/health, GET /webstack/created?urn=… (404 if nothing was created), GET
// /webstack/host?id=… and POST /webstack/stop. Each requires the laptop cloud's id as bearer token, so that only those
// who can read .webstack can use it.
func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /webstack/health", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /webstack/stop", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		c.stop()
	})
	mux.HandleFunc("GET /webstack/host", func(w http.ResponseWriter, r *http.Request) {
		found := Host{InstanceID: r.URL.Query().Get("id")}
		if c.engine != nil {
			found.Addresses = c.engine.Addresses(found.InstanceID)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found)
	})
	mux.HandleFunc("GET /webstack/created", func(w http.ResponseWriter, r *http.Request) {
		id, ok, err := c.journal.Created(r.Context(), r.URL.Query().Get("urn"))
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		case !ok:
			http.Error(w, "no resource was created for this URN", http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(created{ID: id})
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.id)) != 1 {
			http.Error(w, fmt.Sprintf("the id that %s sent belongs to another laptop cloud", r.URL.Path),
				http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
