// Package ssmtest is as much of Parameter Store as the host program's tests need, with faults made by the test.
package ssmtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Server is a fake Parameter Store. Its zero value has no parameters. Tests that run in parallel keep apart by their
// paths.
type Server struct {
	mu         sync.Mutex
	parameters map[string]string
	refused    map[string]string
	fault      func(w http.ResponseWriter, r Request) bool
}

// Request is what a request asks for.
type Request struct {
	// Action is GetParametersByPath or GetParameters.
	Action         string `json:"-"`
	Path           string
	Names          []string
	Recursive      bool
	WithDecryption bool
	MaxResults     int
	NextToken      string
}

// Put stores a parameter.
func (s *Server) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parameters == nil {
		s.parameters = map[string]string{}
	}
	s.parameters[name] = value
}

// Refuse answers every request that names a parameter with an error code.
func (s *Server) Refuse(name, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = map[string]string{}
	}
	s.refused[name] = code
}

// Fault has f see every request. When f returns true it has answered.
func (s *Server) Fault(f func(w http.ResponseWriter, r Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Handles tells whether a request is one for Parameter Store.
func Handles(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSSM.")
}

// ServeHTTP answers a request of the JSON protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request Request
	_, request.Action, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		Error(w, http.StatusBadRequest, "SerializationException")
		return
	}
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, request) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch request.Action {
	case "GetParametersByPath":
		s.byPath(w, request)
	case "GetParameters":
		s.byName(w, request)
	default:
		Error(w, http.StatusBadRequest, "InvalidAction")
	}
}

type parameter struct{ Name, Value string }

// page is what AWS answers at most.
const page = 10

func (s *Server) byPath(w http.ResponseWriter, r Request) {
	if r.MaxResults > page || !r.Recursive || !r.WithDecryption {
		Error(w, http.StatusBadRequest, "ValidationException")
		return
	}
	var found []parameter
	for _, name := range slices.Sorted(maps.Keys(s.parameters)) {
		if strings.HasPrefix(name, r.Path+"/") {
			found = append(found, parameter{name, s.parameters[name]})
		}
	}
	from := 0
	if r.NextToken != "" {
		from, _ = strconv.Atoi(r.NextToken)
	}
	end := min(from+r.MaxResults, len(found))
	answer := map[string]any{"Parameters": found[from:end]}
	if end < len(found) {
		answer["NextToken"] = strconv.Itoa(end)
	}
	send(w, answer)
}

func (s *Server) byName(w http.ResponseWriter, r Request) {
	if len(r.Names) == 0 || len(r.Names) > page || !r.WithDecryption {
		Error(w, http.StatusBadRequest, "ValidationException")
		return
	}
	var found []parameter
	missing := []string{}
	for _, name := range r.Names {
		if code, ok := s.refused[name]; ok {
			Error(w, http.StatusBadRequest, code)
			return
		}
		if value, ok := s.parameters[name]; ok {
			found = append(found, parameter{name, value})
		} else {
			missing = append(missing, name)
		}
	}
	send(w, map[string]any{"Parameters": found, "InvalidParameters": missing})
}

func send(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}

// Error answers with an error of the JSON protocol.
func Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"__type": %q, "message": "no"}`, code)
}
