package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"webstack/local/iamcheck"
)

var stsHandlers = map[string]handler{
	"AssumeRole":                (*Gateway).assumeRole,
	"AssumeRoleWithWebIdentity": (*Gateway).assumeRoleWithWebIdentity,
	"GetCallerIdentity":         (*Gateway).getCallerIdentity,
}

const (
	// minSession and usualSession are the shortest and the default life of a session, in seconds.
	minSession, usualSession = 900, 3600
)

var (
	roleArn     = regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/(?:.*/)?([\w+=,.@-]{1,64})$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// assumption is the input of a call to assume a role.
type assumption struct {
	account, role, arn, name string
	life                     time.Duration
	trust                    iamcheck.Policy
}

// assumption reads a call, or answers with an error.
func (g *Gateway) assumption(w http.ResponseWriter, r *http.Request, c call) (assumption, bool) {
	a := assumption{arn: c.form.Get("RoleArn"), name: c.form.Get("RoleSessionName")}
	parts := roleArn.FindStringSubmatch(a.arn)
	seconds := usualSession
	if text := c.form.Get("DurationSeconds"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil {
			seconds = 0
		}
	}
	if parts == nil || !sessionName.MatchString(a.name) || seconds < minSession {
		c.fail(w, http.StatusBadRequest, "ValidationError",
			"RoleArn, RoleSessionName (2 to 64 of a-zA-Z0-9+=,.@_-) or DurationSeconds (%d or more) is not valid", minSession)
		return a, false
	}
	a.account, a.role, a.life = parts[1], parts[2], time.Duration(seconds)*time.Second
	longest, err := g.readTrust(r.Context(), c.region, &a)
	switch {
	case missing(err):
		c.deny(w, "User is not authorized to perform: sts:"+c.action+" on resource: "+a.arn)
	case err != nil:
		c.unavailable(w, err)
	case seconds > longest:
		c.fail(w, http.StatusBadRequest, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	default:
		return a, true
	}
	return a, false
}

// readTrust reads a role's trust policy and returns the longest life of its sessions, in seconds.
func (g *Gateway) readTrust(ctx context.Context, region string, a *assumption) (int, error) {
	var out struct {
		Document string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
		Longest  int    `xml:"GetRoleResult>Role>MaxSessionDuration"`
	}
	err := g.readDocument(ctx, region, "GetRole", url.Values{"RoleName": {a.role}}, &out, &out.Document)
	if err != nil {
		return 0, err
	}
	a.trust, err = iamcheck.Parse(out.Document)
	if err != nil {
		return 0, fmt.Errorf("check the trust policy of the role %s: %w", a.role, err)
	}
	return max(out.Longest, usualSession), nil
}

func (g *Gateway) assumeRole(w http.ResponseWriter, r *http.Request, c call) {
	a, ok := g.assumption(w, r, c)
	if !ok {
		return
	}
	root := "arn:aws:iam::" + a.account + ":root"
	principals, user := []string{a.account, root}, root
	g.issued.mu.Lock()
	caller := g.issued.sessions[c.key]
	g.issued.mu.Unlock()
	if caller != nil {
		principals = append(principals, caller.arn(), "arn:aws:iam::"+caller.account+":role/"+caller.role)
		user = caller.arn()
	}
	decision := iamcheck.Evaluate([]iamcheck.Policy{a.trust}, iamcheck.Request{
		Action: "sts:AssumeRole", Principals: map[string][]string{"AWS": principals},
		Context: map[string][]string{"sts:ExternalId": c.form["ExternalId"]},
	})
	if decision != iamcheck.Allow {
		c.deny(w, "User: "+user+" is not authorized to perform: sts:AssumeRole on resource: "+a.arn)
		return
	}
	g.answerSession(w, c, a, "")
}

// claims are the claims of a token that are checked.
type claims map[string]any

// text returns a claim for conditions; "" if it is missing or not a string.
func (c claims) text(name string) string {
	switch value := c[name].(type) {
	case string:
		return value
	case bool, float64:
		return fmt.Sprint(value)
	default:
		return ""
	}
}

// audiences are whom the token is meant for.
func (c claims) audiences() []string {
	if one := c.text("aud"); one != "" {
		return []string{one}
	}
	many, _ := c["aud"].([]any)
	var out []string
	for _, value := range many {
		out = append(out, fmt.Sprint(value))
	}
	return out
}

// readToken reads the claims of a JSON web token. The laptop cloud does not fetch issuers' keys: it accepts tokens of
// any issuer that are signed with the secret access key of the account's owner, who can thus write any token that tests
// need.
func (g *Gateway) readToken(token string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("the token has %d parts, not 3", len(parts))
	}
	var head struct{ Alg string }
	if err := decodePart(parts[0], &head); err != nil {
		return nil, fmt.Errorf("read the token's header: %w", err)
	}
	given, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := hmac.New(sha256.New, []byte(g.owner.SecretAccessKey))
	sum.Write([]byte(parts[0] + "." + parts[1]))
	if err != nil || head.Alg != "HS256" || g.owner.SecretAccessKey == "" || !hmac.Equal(given, sum.Sum(nil)) {
		return nil, errors.New("the token is not signed by HS256 with the secret access key in .webstack/local.env, " +
			"which the laptop cloud uses as the key of every issuer")
	}
	var out claims
	if err := decodePart(parts[1], &out); err != nil {
		return nil, fmt.Errorf("read the token's claims: %w", err)
	}
	return out, nil
}

// decodePart reads a part of a token.
func decodePart(part string, out any) error {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

func (g *Gateway) assumeRoleWithWebIdentity(w http.ResponseWriter, r *http.Request, c call) {
	token, err := g.readToken(c.form.Get("WebIdentityToken"))
	if err != nil {
		c.fail(w, http.StatusBadRequest, "InvalidIdentityToken", "%v", err)
		return
	}
	a, ok := g.assumption(w, r, c)
	if !ok {
		return
	}
	issuer, _ := strings.CutPrefix(token.text("iss"), "https://")
	provider := "arn:aws:iam::" + a.account + ":oidc-provider/" + issuer
	if problem, err := g.checkToken(r.Context(), c.region, provider, token); err != nil {
		c.unavailable(w, err)
		return
	} else if problem != nil {
		c.refuse(w, problem)
		return
	}
	values := map[string][]string{issuer + ":aud": token.audiences()}
	for name := range token {
		if text := token.text(name); text != "" {
			values[issuer+":"+name] = []string{text}
		}
	}
	decision := iamcheck.Evaluate([]iamcheck.Policy{a.trust}, iamcheck.Request{
		Action: "sts:AssumeRoleWithWebIdentity", Principals: map[string][]string{"Federated": {provider}}, Context: values,
	})
	if decision != iamcheck.Allow {
		c.deny(w, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
		return
	}
	g.answerSession(w, c, a, "<SubjectFromWebIdentityToken>"+escape(token.text("sub"))+"</SubjectFromWebIdentityToken>"+
		"<Audience>"+escape(strings.Join(token.audiences(), " "))+"</Audience><Provider>"+escape(provider)+"</Provider>")
}

// checkToken checks a token: its issuer must be a provider of the account, which must know the audience.
func (g *Gateway) checkToken(ctx context.Context, region, provider string, token claims) (*problem, error) {
	var known struct {
		Audiences []string `xml:"GetOpenIDConnectProviderResult>ClientIDList>member"`
	}
	err := g.readForm(ctx, region, "iam", "GetOpenIDConnectProvider", url.Values{"OpenIDConnectProviderArn": {provider}},
		&known)
	if missing(err) {
		return wrong("InvalidIdentityToken", "No OpenIDConnect provider found in your account for %s", token.text("iss")), nil
	}
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(token.audiences(), func(a string) bool { return slices.Contains(known.Audiences, a) }) {
		return wrong("InvalidIdentityToken", "Incorrect token audience"), nil
	}
	end, ok := token["exp"].(float64)
	if !ok {
		return wrong("InvalidIdentityToken", "Token does not have the claim exp"), nil
	}
	if now := g.now(); now.After(time.Unix(int64(end), 0)) {
		return wrong("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time %d",
			now.Unix(), int64(end)), nil
	}
	return nil, nil
}

// answerSession answers with credentials for a role.
func (g *Gateway) answerSession(w http.ResponseWriter, c call, a assumption, more string) {
	s := g.newSession(a.account, a.role, a.name, a.life)
	g.issued.remember(s, g.now())
	given := s.credentials
	c.respondQuery(w, "<Credentials><AccessKeyId>"+given.AccessKeyID+"</AccessKeyId><SecretAccessKey>"+
		given.SecretAccessKey+"</SecretAccessKey><SessionToken>"+given.Token+"</SessionToken><Expiration>"+
		given.Expiration.Format(time.RFC3339)+"</Expiration></Credentials><AssumedRoleUser><Arn>"+escape(s.arn())+
		"</Arn><AssumedRoleId>"+s.userID()+"</AssumedRoleId></AssumedRoleUser><PackedPolicySize>0</PackedPolicySize>"+more)
}

// userID returns the unique id of a session's user.
func (s *session) userID() string {
	sum := sha256.Sum256([]byte(s.role))
	return "AROA" + strings.ToUpper(hex.EncodeToString(sum[:8])) + ":" + s.name
}

func (g *Gateway) getCallerIdentity(w http.ResponseWriter, r *http.Request, c call) {
	g.issued.mu.Lock()
	s := g.issued.sessions[c.key]
	g.issued.mu.Unlock()
	if s == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	c.respondQuery(w, "<Arn>"+escape(s.arn())+"</Arn><UserId>"+escape(s.userID())+"</UserId><Account>"+s.account+"</Account>")
}

// respondQuery answers a call to STS.
func (c call) respondQuery(w http.ResponseWriter, content string) {
	w.Header().Set("Content-Type", "text/xml")
	_, _ = w.Write([]byte("<" + c.action + `Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><` + c.action +
		"Result>" + content + "</" + c.action + "Result><ResponseMetadata><RequestId>laptop</RequestId></ResponseMetadata></" +
		c.action + "Response>"))
}

// escape makes text of XML.
func escape(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder never fails
	return out.String()
}
