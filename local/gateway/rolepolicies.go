package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"webstack/local/iamcheck"
)

// rolePolicy is what a role may do, as of a number of changes to IAM.
type rolePolicy struct {
	policies []iamcheck.Policy
	changes  int
}

// changeIAM makes the policies of roles be read again.
func (g *Gateway) changeIAM(c call) {
	g.issued.mu.Lock()
	g.issued.changes++
	g.issued.mu.Unlock()
	if g.hosting != nil && strings.HasSuffix(c.action, "InstanceProfile") {
		g.hosting.followAll()
	}
}

// policiesOf reads all policies of a role, inline and attached. It fails if one cannot be parsed: the role may then do
// nothing.
func (g *Gateway) policiesOf(ctx context.Context, region, role string) ([]iamcheck.Policy, error) {
	g.issued.mu.Lock()
	known, ok := g.issued.roles[role]
	changes := g.issued.changes
	g.issued.mu.Unlock()
	if ok && known.changes == changes {
		return known.policies, nil
	}
	texts, err := g.policyTexts(ctx, region, role)
	if missing(err) {
		return nil, &denial{"the role " + role + " no longer exists"}
	}
	if err != nil {
		return nil, err
	}
	var policies []iamcheck.Policy
	for name, text := range texts {
		policy, err := iamcheck.Parse(text)
		if err != nil {
			return nil, &denial{fmt.Sprintf("check the policy %s of the role %s: %v", name, role, err)}
		}
		policies = append(policies, policy)
	}
	g.issued.mu.Lock()
	defer g.issued.mu.Unlock()
	g.issued.roles[role] = rolePolicy{policies, changes}
	return policies, nil
}

// policyTexts returns the documents of a role's policies by name or ARN.
func (g *Gateway) policyTexts(ctx context.Context, region, role string) (map[string]string, error) {
	texts := map[string]string{}
	var inline struct {
		Names []string `xml:"ListRolePoliciesResult>PolicyNames>member"`
	}
	if err := g.readForm(ctx, region, "iam", "ListRolePolicies", url.Values{"RoleName": {role}}, &inline); err != nil {
		return nil, err
	}
	for _, name := range inline.Names {
		var out struct {
			Document string `xml:"GetRolePolicyResult>PolicyDocument"`
		}
		err := g.readDocument(ctx, region, "GetRolePolicy", url.Values{"RoleName": {role}, "PolicyName": {name}}, &out,
			&out.Document)
		if err != nil {
			return nil, err
		}
		texts[name] = out.Document
	}
	var attached struct {
		Arns []string `xml:"ListAttachedRolePoliciesResult>AttachedPolicies>member>PolicyArn"`
	}
	err := g.readForm(ctx, region, "iam", "ListAttachedRolePolicies", url.Values{"RoleName": {role}}, &attached)
	if err != nil {
		return nil, err
	}
	for _, arn := range attached.Arns {
		if texts[arn], err = g.managedPolicy(ctx, region, arn); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// managedPolicy returns the document of a policy's default version.
func (g *Gateway) managedPolicy(ctx context.Context, region, arn string) (string, error) {
	var policy struct {
		Version string `xml:"GetPolicyResult>Policy>DefaultVersionId"`
	}
	if err := g.readForm(ctx, region, "iam", "GetPolicy", url.Values{"PolicyArn": {arn}}, &policy); err != nil {
		return "", err
	}
	var out struct {
		Document string `xml:"GetPolicyVersionResult>PolicyVersion>Document"`
	}
	err := g.readDocument(ctx, region, "GetPolicyVersion", url.Values{"PolicyArn": {arn}, "VersionId": {policy.Version}},
		&out, &out.Document)
	return out.Document, err
}

// readDocument reads an answer with a document, which IAM URL-encodes, and decodes it in place.
func (g *Gateway) readDocument(
	ctx context.Context, region, action string, in url.Values, out any, document *string,
) error {
	if err := g.readForm(ctx, region, "iam", action, in, out); err != nil {
		return err
	}
	text, err := url.QueryUnescape(strings.ReplaceAll(*document, "+", "%2B"))
	if err != nil {
		return fmt.Errorf("read the document of %s: %w", action, err)
	}
	*document = text
	return nil
}

// bucketPolicyOf returns the policy of the bucket that a resource is in; none for other resources.
func (g *Gateway) bucketPolicyOf(resource string) ([]iamcheck.Policy, error) {
	name, isS3 := strings.CutPrefix(resource, "arn:aws:s3:::")
	if !isS3 {
		return nil, nil
	}
	bucket, _, _ := strings.Cut(name, "/")
	g.state.mu.Lock()
	text, ok := g.state.policies[bucket]
	g.state.mu.Unlock()
	if !ok {
		return nil, nil
	}
	policy, err := iamcheck.Parse(text)
	if err != nil {
		return nil, &denial{fmt.Sprintf("check the policy of the bucket %s: %v", bucket, err)}
	}
	return []iamcheck.Policy{policy}, nil
}

// hideMissing hides whether an object is missing from callers who may not list the bucket, as S3 does.
func (g *Gateway) hideMissing(r *http.Request, c call, s *session) error {
	bucket, key := bucketAndKey(r)
	err := g.check(r.Context(), c.region, s, demand{action: "s3:ListBucket", resource: "arn:aws:s3:::" + bucket,
		context: map[string][]string{"s3:prefix": {key}}})
	if err == nil {
		return nil
	}
	head, sent := g.send(r, call{service: "s3", action: "HeadObject"}, http.MethodHead, r.URL.RequestURI(), http.Header{}, nil)
	if sent != nil {
		return sent
	}
	if head.status == http.StatusNotFound {
		return err
	}
	return nil
}
