package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// bucketOf is the bucket of a request in path style, the only style that reaches an endpoint without a domain.
func bucketOf(r *http.Request) string {
	bucket, _, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	return bucket
}

// bucketPolicy keeps bucket policies here: moto would apply "refuse what does not come over TLS" to every request, as it
// does not look at conditions.
func (g *Gateway) bucketPolicy(w http.ResponseWriter, r *http.Request) {
	c, bucket := callOf(r.Context()), bucketOf(r)
	head, err := g.do(r, http.MethodHead, "/"+bucket, http.Header{"Authorization": r.Header["Authorization"]}, nil)
	if err != nil {
		c.fail(w, http.StatusInternalServerError, "InternalError", "%v", err)
		return
	}
	_ = head.Body.Close()
	if head.StatusCode == http.StatusNotFound {
		g.state.forgetPolicy(bucket)
		c.fail(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		return
	}
	switch r.Method {
	case http.MethodPut:
		g.putPolicy(w, r, bucket)
	case http.MethodDelete:
		g.state.forgetPolicy(bucket)
		w.WriteHeader(http.StatusNoContent)
	default:
		g.state.mu.Lock()
		policy, ok := g.state.policies[bucket]
		g.state.mu.Unlock()
		if !ok {
			c.fail(w, http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, policy)
	}
}

func (g *Gateway) putPolicy(w http.ResponseWriter, r *http.Request, bucket string) {
	policy, err := io.ReadAll(io.LimitReader(r.Body, maxInspected))
	var document struct{ Statement any }
	if err != nil || json.Unmarshal(policy, &document) != nil || document.Statement == nil {
		callOf(r.Context()).fail(w, http.StatusBadRequest, "MalformedPolicy", "This policy contains invalid Json")
		return
	}
	g.state.mu.Lock()
	g.state.policies[bucket] = string(policy)
	g.state.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (s *state) forgetPolicy(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.policies, bucket)
}
