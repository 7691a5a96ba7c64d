package metadata

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type source struct {
	instance    Instance
	credentials Credentials
	err         error
}

func (s *source) Instance() Instance { return s.instance }

func (s *source) Credentials(context.Context) (Credentials, error) { return s.credentials, s.err }

type service struct {
	*Handler
	*source
	t   *testing.T
	now time.Time
}

func newService(t *testing.T) *service {
	t.Parallel()
	launched := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &service{t: t, now: launched, source: &source{
		instance: Instance{
			InstanceID: "i-1", AccountID: "123456789012", Region: "eu-central-1", AvailabilityZone: "eu-central-1a",
			InstanceType: "t4g.small", ImageID: "ami-1", Architecture: "arm64", PrivateIP: "10.0.1.5", PublicIP: "127.77.0.1",
			UserData: []byte("#!/bin/sh\n"), Launched: launched, RoleName: "host",
			Enabled: true, TokenRequired: true, HopLimit: 3,
		},
		credentials: Credentials{AccessKeyID: "ASIA", SecretAccessKey: "secret", Token: "session", Updated: launched,
			Expiration: launched.Add(time.Hour)},
	}}
	s.Handler = New(s.source, "X-Hops")
	s.Handler.now = func() time.Time { return s.now }
	return s
}

func (s *service) do(method, path string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	request := httptest.NewRequest(method, "http://169.254.169.254"+path, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	return answer
}

func (s *service) token(ttl string) string {
	s.t.Helper()
	answer := s.do("PUT", tokenPath, TTLHeader, ttl)
	if answer.Code != 200 || answer.Header().Get(TTLHeader) != ttl || answer.Header().Get("X-Hops") != "3" {
		s.t.Fatalf("token: %d, %v", answer.Code, answer.Header())
	}
	return answer.Body.String()
}

// get asks with a token and returns "" when there is nothing.
func (s *service) get(path string) string {
	s.t.Helper()
	answer := s.do("GET", path, TokenHeader, s.token("60"))
	if answer.Code == http.StatusNotFound {
		return ""
	}
	if answer.Code != 200 || answer.Header().Get("X-Hops") != "" {
		s.t.Errorf("%s: %d, %v", path, answer.Code, answer.Header())
	}
	return answer.Body.String()
}

func TestToken(t *testing.T) {
	s := newService(t)
	for _, ttl := range []string{"", "0", "-1", "21601", "x"} {
		if got := s.do("PUT", tokenPath, TTLHeader, ttl).Code; got != 400 {
			t.Errorf("TTL %q: %d", ttl, got)
		}
	}
	if got := s.do("GET", tokenPath).Code; got != 405 {
		t.Errorf("a token by GET: %d", got)
	}
	if got := s.do("PUT", tokenPath, TTLHeader, "60", "X-Forwarded-For", "10.0.0.1").Code; got != 403 {
		t.Errorf("a token through a proxy: %d", got)
	}
	const path = "/latest/meta-data/instance-id"
	token := s.token("60")
	for _, c := range []struct {
		name, token string
		after       time.Duration
		want        int
	}{
		{"good", token, 59 * time.Second, 200}, {"other", strings.Repeat("0", len(token)), 0, 401}, {"none", "", 0, 401},
		{"expired", token, 61 * time.Second, 401},
	} {
		start := s.now
		s.now = start.Add(c.after)
		if got := s.do("GET", path, TokenHeader, c.token).Code; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
		s.now = start
	}
	s.instance.TokenRequired = false
	if got := s.do("GET", path).Code; got != 200 {
		t.Errorf("without token where none is required: %d", got)
	}
	s.instance.Enabled = false
	if got := s.do("GET", path).Code; got != 403 {
		t.Errorf("turned off: %d", got)
	}
}

func TestEntries(t *testing.T) {
	s := newService(t)
	for path, want := range map[string]string{
		"/latest/meta-data/instance-id":                 "i-1",
		"/latest/meta-data/ami-id":                      "ami-1",
		"/latest/meta-data/instance-type":               "t4g.small",
		"/latest/meta-data/local-ipv4":                  "10.0.1.5",
		"/latest/meta-data/public-ipv4":                 "127.77.0.1",
		"/latest/meta-data/placement/region":            "eu-central-1",
		"/latest/meta-data/placement/availability-zone": "eu-central-1a",
		"/latest/meta-data/placement/":                  "availability-zone\nregion",
		"/latest/meta-data/placement":                   "availability-zone\nregion",
		"/latest/meta-data/iam/security-credentials/":   "host",
		"/latest/meta-data/iam/":                        "info\nsecurity-credentials/",
		"/latest/user-data":                             "#!/bin/sh\n",
		"/latest/":                                      "dynamic/\nmeta-data/\nuser-data",
		"/2021-07-15/meta-data/instance-id":             "i-1",
		"/2021/meta-data/instance-id":                   "",
		"/latest/meta-data/nothing":                     "",
		"/latest/meta-data/iam/security-credentials/x":  "",
	} {
		if got := s.get(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]map[string]any{
		"/latest/meta-data/iam/security-credentials/host": {"Code": "Success", "AccessKeyId": "ASIA", "Token": "session",
			"SecretAccessKey": "secret", "Expiration": "2026-01-02T04:04:05Z", "Type": "AWS-HMAC"},
		"/latest/meta-data/iam/info": {"InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/host"},
		"/latest/dynamic/instance-identity/document": {"region": "eu-central-1", "instanceId": "i-1", "accountId": "123456789012",
			"architecture": "arm64", "kernelId": nil},
	} {
		var got map[string]any
		if err := json.Unmarshal([]byte(s.get(path)), &got); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %s is %v, want %v", path, key, got[key], value)
			}
		}
	}
}

func TestAbsent(t *testing.T) {
	s := newService(t)
	s.instance.RoleName, s.instance.PublicIP, s.instance.UserData = "", "", nil
	for _, path := range []string{"meta-data/iam/security-credentials/", "meta-data/iam/info", "meta-data/public-ipv4", "user-data"} {
		if got := s.get("/latest/" + path); got != "" {
			t.Errorf("%s: %q, want nothing", path, got)
		}
	}
	s.instance.RoleName, s.err = "host", errors.New("may not be assumed")
	if got := s.get("/latest/meta-data/iam/security-credentials/host"); !strings.Contains(got, "AssumeRoleUnauthorizedAccess") ||
		!strings.Contains(got, "may not be assumed") {
		t.Errorf("a role that may not be assumed: %s", got)
	}
}
