package gateway

import (
	"net/http"
	"strings"
	"unicode"
)

const (
	// maxTrust is IAM's usual quota for a role's trust policy, in characters other than white space.
	maxTrust = 2048
	// maxInline is IAM's limit for all inline policies of a role together, counted likewise.
	maxInline = 10240
)

var iamHandlers = map[string]handler{
	"CreateRole":             (*Gateway).trustWithinLimit,
	"UpdateAssumeRolePolicy": (*Gateway).trustWithinLimit,
	"PutRolePolicy":          (*Gateway).putRolePolicy,
	"DeleteRolePolicy":       (*Gateway).deleteRolePolicy,
}

// policySize returns the length of a policy as IAM counts it.
func policySize(text string) int {
	return len(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text))
}

// trustWithinLimit rejects a trust policy that is too long, which moto would accept.
func (g *Gateway) trustWithinLimit(w http.ResponseWriter, r *http.Request, c call) {
	document := c.form.Get("AssumeRolePolicyDocument") + c.form.Get("PolicyDocument")
	if policySize(document) > maxTrust {
		c.fail(w, http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", maxTrust)
		return
	}
	g.moto.ServeHTTP(w, r)
}

// putRolePolicy rejects a policy that would make a role's policies too long, which moto would accept.
func (g *Gateway) putRolePolicy(w http.ResponseWriter, r *http.Request, c call) {
	role, name, size := c.form.Get("RoleName"), c.form.Get("PolicyName"), policySize(c.form.Get("PolicyDocument"))
	total := size
	g.state.mu.Lock()
	for other, length := range g.state.inline[role] {
		if other != name {
			total += length
		}
	}
	g.state.mu.Unlock()
	if total > maxInline {
		c.fail(w, http.StatusConflict, "LimitExceeded", "Maximum policy size of %d bytes exceeded for role %s",
			maxInline, role)
		return
	}
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() {
		g.state.setInline(role, name, size)
	}
	answer.write(w)
}

func (g *Gateway) deleteRolePolicy(w http.ResponseWriter, r *http.Request, c call) {
	answer, err := g.forward(r, c)
	if err != nil {
		c.unavailable(w, err)
		return
	}
	if answer.ok() {
		g.state.setInline(c.form.Get("RoleName"), c.form.Get("PolicyName"), 0)
	}
	answer.write(w)
}

// setInline records the size of a role's inline policy; 0 if it has none of that name. A role is deleted after its
// policies, so nothing of it remains here.
func (s *state) setInline(role, name string, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inline[role] == nil {
		s.inline[role] = map[string]int{}
	}
	if size > 0 {
		s.inline[role][name] = size
		return
	}
	delete(s.inline[role], name)
	if len(s.inline[role]) == 0 {
		delete(s.inline, role)
	}
}
