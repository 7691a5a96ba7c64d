package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"webstack/local/iamcheck"
)

// demand is a permission that a call needs.
type demand struct {
	action, resource string
	// or is another action that is also sufficient; "" for none.
	or      string
	context map[string][]string
}

// demandsOf returns the permissions that a call needs, by service. Sessions cannot use a service that is not listed.
var demandsOf = map[string]func(g *Gateway, r *http.Request, c call, s *session) ([]demand, error){
	"ec2": (*Gateway).ec2Demands, "ecr": (*Gateway).ecrDemands, "iam": (*Gateway).iamDemands,
	"kms": (*Gateway).kmsDemands, "rds": (*Gateway).rdsDemands, "s3": (*Gateway).s3Demands,
	"ssm": (*Gateway).ssmDemands, "sts": (*Gateway).stsDemands,
}

// errUnmapped means that it is not known which permission a call needs.
var errUnmapped = errors.New("the laptop cloud does not know which permission it needs")

// denial is the reason why a session may not do something.
type denial struct{ message string }

func (d *denial) Error() string { return d.message }

// allowed checks whether the caller may make a call, and answers the call if not. The account's owner may do everything
// except what a bucket's policy denies to everybody.
func (g *Gateway) allowed(w http.ResponseWriter, r *http.Request, c call) bool {
	s, ok := g.who(w, r, c)
	if !ok {
		return false
	}
	var err error
	switch {
	case s == nil && c.service == "s3":
		err = g.refusedByBucket(r, c)
	case s == nil:
	default:
		err = g.permit(r, c, s)
		if err == nil && (c.action == "GetObject" || c.action == "HeadObject") && c.service == "s3" {
			err = g.hideMissing(r, c, s)
		}
	}
	var denied *denial
	switch {
	case err == nil:
		return true
	case errors.As(err, &denied):
		c.deny(w, denied.message)
	case errors.Is(err, errUnmapped):
		c.fail(w, http.StatusNotImplemented, "NotImplemented", "%v", err)
	default:
		c.unavailable(w, err)
	}
	return false
}

// deny answers that a permission is missing.
func (c call) deny(w http.ResponseWriter, message string) {
	status := http.StatusForbidden
	if c.json {
		status = http.StatusBadRequest
	}
	if c.service == "ec2" {
		message = "You are not authorized to perform this operation. " + message
	}
	c.fail(w, status, c.errorCode("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "AccessDenied"),
		"%s", message)
}

// permit checks every permission that a call needs.
func (g *Gateway) permit(r *http.Request, c call, s *session) error {
	find, ok := demandsOf[c.service]
	if !ok {
		return g.closed(s, c)
	}
	demands, err := find(g, r, c, s)
	if errors.Is(err, errUnmapped) {
		return g.closed(s, c)
	}
	if err != nil {
		return err
	}
	for _, d := range demands {
		if err := g.check(r.Context(), c.region, s, d); err != nil {
			return err
		}
	}
	return nil
}

// closed rejects a call whose permissions are not known. The error is not one of AWS's and not a denial, so that a test
// that expects a denial does not mistake it for one.
func (g *Gateway) closed(s *session, c call) error {
	return fmt.Errorf("call %s:%s as %s: %w", c.service, c.action, s.arn(), errUnmapped)
}

// check decides on one permission, by the role's policies and, for a bucket and its objects, the bucket's policy.
func (g *Gateway) check(ctx context.Context, region string, s *session, d demand) error {
	policies, err := g.policiesOf(ctx, region, s.role)
	if err != nil {
		return err
	}
	resource, err := g.bucketPolicyOf(d.resource)
	if err != nil {
		return err
	}
	decide := func(action string) iamcheck.Decision {
		return iamcheck.Evaluate(append(resource, policies...), iamcheck.Request{
			Action: action, Resource: d.resource, Context: withCommon(d.context, region, s.account, s.roleArn()),
			Principals: map[string][]string{"AWS": {
				s.roleArn(), s.arn(), s.account, "arn:aws:iam::" + s.account + ":root",
			}},
		})
	}
	decision := decide(d.action)
	if decision == iamcheck.ImplicitDeny && d.or != "" {
		decision = decide(d.or)
	}
	if decision == iamcheck.Allow {
		return nil
	}
	why := "because no identity-based policy allows the " + d.action + " action"
	if decision == iamcheck.ExplicitDeny {
		why = "with an explicit deny in a policy"
	}
	on := ""
	if d.resource != "*" {
		on = " on resource: " + d.resource
	}
	return &denial{fmt.Sprintf("User: %s is not authorized to perform: %s%s %s", s.arn(), d.action, on, why)}
}

// roleArn returns the ARN of the session's role.
func (s *session) roleArn() string { return "arn:aws:iam::" + s.account + ":role/" + s.role }

// withCommon adds the keys that every request has. The laptop cloud's connections stand for AWS's, which use TLS.
func withCommon(own map[string][]string, region, account, principal string) map[string][]string {
	out := map[string][]string{
		"aws:SecureTransport": {"true"}, "aws:RequestedRegion": {region}, "aws:PrincipalAccount": {account},
		"aws:PrincipalArn": {principal},
	}
	for key, values := range own {
		out[key] = values
	}
	return out
}
