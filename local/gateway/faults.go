package gateway

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
)

// faultsPath is where tests make calls fail: POST adds a fault, DELETE removes all. User and password are the owner's
// access key.
const faultsPath = "/_webstack/faults"

// fault makes calls of an action fail.
type fault struct {
	// Service is the name in signatures, such as "ec2"; any when empty.
	Service string `json:"service"`
	// Action is the API action, such as "CreateSubnet".
	Action string `json:"action"`
	// Skip is how many calls pass first, Times how many then fail; 1 by default.
	Skip  int `json:"skip"`
	Times int `json:"times"`
	// Code is AWS's error code; by default "UnauthorizedOperation", which clients do not retry.
	Code string `json:"code"`
	// Status is the HTTP status; 403 by default.
	Status int `json:"status"`
}

func (g *Gateway) serveFaults(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id == "" || id != g.owner.AccessKeyID ||
		subtle.ConstantTimeCompare([]byte(secret), []byte(g.owner.SecretAccessKey)) != 1 {
		http.Error(w, "give the access key in .webstack/local.env as user and password", http.StatusUnauthorized)
		return
	}
	g.state.serveFaults(w, r)
}

func (s *state) serveFaults(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodPost:
		wanted := &fault{Times: 1, Code: "UnauthorizedOperation", Status: http.StatusForbidden}
		input := json.NewDecoder(r.Body)
		input.DisallowUnknownFields()
		if err := input.Decode(wanted); err != nil || !wanted.possible() {
			http.Error(w, `give {"action": "CreateSubnet"} and, if needed, "service", "skip", "times", "code", "status"`,
				http.StatusBadRequest)
			return
		}
		s.faults = append(s.faults, wanted)
	case http.MethodDelete:
		s.faults = nil
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// possible reports whether the fault can happen.
func (f *fault) possible() bool {
	return f.Action != "" && f.Skip >= 0 && f.Times > 0 && f.Status >= 400 && f.Status <= 599
}

// fault fails the call if a test asked for that, and reports whether it did.
func (s *state) fault(w http.ResponseWriter, c call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Action != c.action || f.Service != "" && f.Service != c.service || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return false
		}
		f.Times--
		c.fail(w, f.Status, f.Code, "a test asked for %s to fail", c.action)
		return true
	}
	return false
}
