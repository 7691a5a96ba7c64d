package gateway

import (
	"encoding/json"
	"net/http"
)

// faultsPath is where tests ask for calls to fail: POST adds a fault, DELETE takes all back.
const faultsPath = "/_webstack/faults"

// fault makes calls of an action fail.
type fault struct {
	// Action is the API action, such as "CreateSubnet".
	Action string `json:"action"`
	// Skip is how many calls pass first, Times how many fail then.
	Skip  int `json:"skip"`
	Times int `json:"times"`
	// Code is AWS's error code; "UnauthorizedOperation" when empty, which clients do not try again.
	Code string `json:"code"`
}

func (s *state) serveFaults(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodPost:
		wanted := &fault{Times: 1, Code: "UnauthorizedOperation"}
		if err := json.NewDecoder(r.Body).Decode(wanted); err != nil || wanted.Action == "" {
			http.Error(w, "give {\"action\": …, \"skip\": …, \"times\": …, \"code\": …}", http.StatusBadRequest)
			return
		}
		s.faults = append(s.faults, wanted)
	case http.MethodDelete:
		s.faults = nil
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// fault fails the call when a test asked for that, and tells whether it did.
func (s *state) fault(w http.ResponseWriter, c call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Action != c.action || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return false
		}
		f.Times--
		c.fail(w, http.StatusForbidden, f.Code, "a test asked for %s to fail", c.action)
		return true
	}
	return false
}
