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

// created is the answer to what was made for a URN.
type created struct {
	ID string `json:"id"`
}

// control is the endpoint by which the operator's command talks to the running cloud.
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

// handler answers GET /webstack/health, GET /webstack/created?urn=… (404 when nothing was made), GET
// /webstack/host?id=… and POST /webstack/stop. Each wants the cloud's id as bearer token, so that only who may read .webstack can ask.
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
			http.Error(w, "nothing was made for this URN", http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(created{ID: id})
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+c.id)) != 1 {
			http.Error(w, fmt.Sprintf("this is another laptop cloud than the one asked for by %s", r.URL.Path),
				http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
