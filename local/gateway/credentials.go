package gateway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"sync"
	"time"

	"webstack/local/machine"
)

const (
	// instanceLife is how long the credentials of an instance's role are valid, and instanceRenewal how long before they
	// expire the instance gets new ones.
	instanceLife    = 6 * time.Hour
	instanceRenewal = time.Hour
	// temporary is the prefix of the id of an access key that has a session token.
	temporary = "ASIA"
)

// session is a session of an assumed role.
type session struct {
	credentials machine.Credentials
	account     string
	role        string // the role's name
	name        string // the instance's id, or the session name that the caller chose
}

// arn returns how AWS names the session.
func (s *session) arn() string {
	return "arn:aws:sts::" + s.account + ":assumed-role/" + s.role + "/" + s.name
}

// issued are the sessions for which the gateway has issued credentials.
type issued struct {
	mu        sync.Mutex
	sessions  map[string]*session   // by access key id
	instances map[string]*session   // the newest by instance
	roles     map[string]rolePolicy // what roles may do, by name
	changes   int                   // to IAM so far
	logins    map[string]login      // to the registry, by token
}

func newIssued() *issued {
	return &issued{
		sessions: map[string]*session{}, instances: map[string]*session{}, roles: map[string]rolePolicy{},
		logins: map[string]login{},
	}
}

// random returns a text of n random bytes.
func random(n int) string {
	data := make([]byte, n)
	_, _ = rand.Read(data) // never fails
	return base64.RawURLEncoding.EncodeToString(data)
}

const keyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newSession issues credentials for a role that are valid that long.
func (g *Gateway) newSession(account, role, name string, life time.Duration) *session {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	for i, b := range key {
		key[i] = keyAlphabet[int(b)%len(keyAlphabet)]
	}
	return &session{account: account, role: role, name: name, credentials: machine.Credentials{
		AccessKeyID: temporary + string(key), SecretAccessKey: random(30), Token: random(300),
		Expiration: g.now().Add(life).UTC().Truncate(time.Second),
	}}
}

// remember keeps a session for as long as its callers should learn that it has expired.
func (i *issued) remember(s *session, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, old := range i.sessions {
		if now.Sub(old.credentials.Expiration) > instanceLife {
			delete(i.sessions, key)
		}
	}
	i.sessions[s.credentials.AccessKeyID] = s
}

// Credentials returns the credentials of an instance's role; it is a machine.CredentialSource. They stay the same until
// they are about to expire or the instance gets another role.
func (g *Gateway) Credentials(ctx context.Context, instanceID string) (machine.Credentials, error) {
	region := g.hosting.region(instanceID)
	role, err := g.roleOf(ctx, region, instanceID)
	if err != nil {
		return machine.Credentials{}, err
	}
	if role == "" {
		return machine.Credentials{}, fmt.Errorf("get credentials for %s: its instance profile has no role", instanceID)
	}
	if s := g.issued.current(instanceID, role, g.now()); s != nil {
		return s.credentials, nil
	}
	account, err := g.accountID(ctx, region)
	if err != nil {
		return machine.Credentials{}, err
	}
	s := g.newSession(account, role, instanceID, instanceLife)
	g.issued.remember(s, g.now())
	g.issued.mu.Lock()
	defer g.issued.mu.Unlock()
	g.issued.instances[instanceID] = s
	return s.credentials, nil
}

// current returns the session of an instance, if it is still valid for a while.
func (i *issued) current(instanceID, role string, now time.Time) *session {
	i.mu.Lock()
	defer i.mu.Unlock()
	s, ok := i.instances[instanceID]
	if !ok || s.role != role || s.credentials.Expiration.Sub(now) < instanceRenewal {
		return nil
	}
	return s
}

// region returns the region of a machine.
func (h *hosting) region(id string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.known[id]; ok {
		return known.region
	}
	return ""
}

// accountID asks moto for the account's id.
func (g *Gateway) accountID(ctx context.Context, region string) (string, error) {
	var out struct {
		Account string `xml:"GetCallerIdentityResult>Account"`
	}
	err := g.readForm(ctx, region, "sts", "GetCallerIdentity", url.Values{}, &out)
	return out.Account, err
}

// readForm makes a call of the gateway's own and reads the answer.
func (g *Gateway) readForm(ctx context.Context, region, service, action string, in url.Values, out any) error {
	answer, err := g.askForm(internal(ctx, region), service, action, in)
	if err != nil {
		return err
	}
	if !answer.ok() {
		return &refusal{service, action, answer}
	}
	if err := xml.Unmarshal(answer.body, out); err != nil {
		return fmt.Errorf("read the answer of %s to %s: %w", service, action, err)
	}
	return nil
}

// refusal is an error answer of moto.
type refusal struct {
	service, action string
	answer          reply
}

func (r *refusal) Error() string {
	return fmt.Sprintf("ask %s for %s: it answered with status %d", r.service, r.action, r.answer.status)
}

// missing reports whether moto answered that the thing does not exist.
func missing(err error) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.answer.status == http.StatusNotFound
}

// roleOf returns the role in an instance's profile; "" if there is none.
func (g *Gateway) roleOf(ctx context.Context, region, instanceID string) (string, error) {
	var profiles struct {
		Arns []string `xml:"iamInstanceProfileAssociationSet>item>iamInstanceProfile>arn"`
	}
	err := g.readForm(ctx, region, "ec2", "DescribeIamInstanceProfileAssociations",
		url.Values{"Filter.1.Name": {"instance-id"}, "Filter.1.Value.1": {instanceID}}, &profiles)
	if err != nil || len(profiles.Arns) == 0 {
		return "", err
	}
	var out struct {
		Roles []string `xml:"GetInstanceProfileResult>InstanceProfile>Roles>member>RoleName"`
	}
	err = g.readForm(ctx, region, "iam", "GetInstanceProfile",
		url.Values{"InstanceProfileName": {path.Base(profiles.Arns[0])}}, &out)
	if missing(err) || err == nil && len(out.Roles) == 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return out.Roles[0], nil
}

// who returns the session that signed a request; nil for the account's owner, who may do everything. ok is false if the
// request has been rejected.
func (g *Gateway) who(w http.ResponseWriter, r *http.Request, c call) (s *session, ok bool) {
	switch {
	case c.key == "" && c.service == "sts" && c.action == "AssumeRoleWithWebIdentity":
		return nil, true // its token identifies the caller
	case c.key == "":
		c.fail(w, http.StatusForbidden, c.errorCode("MissingAuthenticationTokenException", "MissingAuthenticationToken",
			"AuthFailure", "AccessDenied"), "The request is not signed: use the credentials in .webstack/local.env.")
		return nil, false
	case c.key != g.owner.AccessKeyID:
		return g.whoAssumed(w, r, c)
	case !g.signed(r, c, g.owner):
		c.failSignature(w)
		return nil, false
	default:
		return nil, true
	}
}

// failSignature answers that a signature is wrong.
func (c call) failSignature(w http.ResponseWriter) {
	c.fail(w, http.StatusForbidden, c.errorCode("InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
		"SignatureDoesNotMatch"), "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// whoAssumed is like who, for issued credentials.
func (g *Gateway) whoAssumed(w http.ResponseWriter, r *http.Request, c call) (s *session, ok bool) {
	g.issued.mu.Lock()
	s, known := g.issued.sessions[c.key]
	g.issued.mu.Unlock()
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Amz-Security-Token")
	}
	switch {
	case !known || subtle.ConstantTimeCompare([]byte(token), []byte(s.credentials.Token)) != 1:
		c.fail(w, http.StatusForbidden, c.errorCode("UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure",
			"InvalidAccessKeyId"), "The security token included in the request is invalid.")
	case !g.now().Before(s.credentials.Expiration):
		c.fail(w, http.StatusBadRequest, c.errorCode("ExpiredTokenException", "ExpiredToken", "RequestExpired",
			"ExpiredToken"), "The security token included in the request is expired")
	case !g.signed(r, c, s.credentials):
		c.failSignature(w)
	default:
		return s, true
	}
	return nil, false
}

// errorCode chooses the code of the call's service for an error: JSON services, form services, EC2, S3.
func (c call) errorCode(json, form, ec2, s3 string) string {
	switch {
	case c.json:
		return json
	case c.service == "ec2":
		return ec2
	case c.service == "s3":
		return s3
	default:
		return form
	}
}
