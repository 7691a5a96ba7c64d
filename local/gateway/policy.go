package gateway

import (
	"encoding/json"
	"io"
	"net/http"
)

// maxPolicy is S3's limit for a bucket policy, in bytes.
const maxPolicy = 20 << 10

// bucketPolicy keeps bucket policies here: moto ignores conditions, and would apply "deny requests without TLS" to
// every request.
func (g *Gateway) bucketPolicy(w http.ResponseWriter, r *http.Request, c call) {
	bucket, _ := bucketAndKey(r)
	head, err := g.send(r, call{service: "s3", action: "HeadBucket"}, http.MethodHead, "/"+bucket, http.Header{}, nil)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if head.status == http.StatusNotFound {
		g.state.forgetPolicy(bucket)
		c.fail(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		return
	}
	switch r.Method {
	case http.MethodPut:
		g.putPolicy(w, r, c, bucket)
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

func (g *Gateway) putPolicy(w http.ResponseWriter, r *http.Request, c call, bucket string) {
	policy, err := io.ReadAll(io.LimitReader(r.Body, maxPolicy+1))
	if err != nil {
		return // the client is gone
	}
	if problem := checkPolicy(policy); problem != nil {
		c.refuse(w, problem)
		return
	}
	g.state.mu.Lock()
	g.state.policies[bucket] = string(policy)
	g.state.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// checkPolicy reports the errors that S3 would find first: invalid JSON, no statements, or a statement without a
// required field.
func checkPolicy(text []byte) *problem {
	if len(text) > maxPolicy {
		return wrong("MalformedPolicy", "Policy exceeds the maximum allowed document size")
	}
	var policy struct{ Statement json.RawMessage }
	if err := json.Unmarshal(text, &policy); err != nil {
		return wrong("MalformedPolicy", "This policy contains invalid Json")
	}
	var statements []map[string]any
	if err := json.Unmarshal(policy.Statement, &statements); err != nil {
		statements = make([]map[string]any, 1)
		if err := json.Unmarshal(policy.Statement, &statements[0]); err != nil {
			return wrong("MalformedPolicy", "Missing required field Statement")
		}
	}
	if len(statements) == 0 {
		return wrong("MalformedPolicy", "Could not parse the policy: Statement is empty!")
	}
	for _, statement := range statements {
		for _, field := range []string{"Effect", "Principal", "Action", "Resource"} {
			if statement[field] == nil && (field == "Effect" || statement["Not"+field] == nil) {
				return wrong("MalformedPolicy", "Missing required field %s", field)
			}
		}
		if effect := statement["Effect"]; effect != "Allow" && effect != "Deny" {
			return wrong("MalformedPolicy", "Invalid effect: %v", effect)
		}
	}
	return nil
}

func (s *state) forgetPolicy(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.policies, bucket)
}
