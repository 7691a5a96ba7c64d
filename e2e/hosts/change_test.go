package hosts

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
	"webstack/e2e/lab"
)

// makeCertificate returns a certificate for a name and its key, in PEM.
func makeCertificate(t *testing.T, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))
}

// shown returns the certificate that a name shows, in PEM.
func (s *site) shown(name string) string {
	s.tb.Helper()
	conn, err := tls.Dial("tcp", s.address+":443", &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
}

func ownCertificate(t *testing.T, c *lab.Clone) {
	s, client := newSite(t, c), ssm.NewFromConfig(c.AWS())
	own := contract.AppCertificateParams(base, "blog")[0]
	put := func(name, value string) {
		t.Helper()
		_, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String(name), Value: aws.String(value), Type: ssmtypes.ParameterTypeSecureString,
			KeyId: aws.String(contract.SecretsAlias("webstack", lab.Stack)), Overwrite: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	before := s.shown(blog)
	for _, what := range []string{"first", "replaced"} {
		certificate, key := makeCertificate(t, blog)
		put(own.Cert, certificate)
		put(own.Key, key)
		stop := s.watch(shop)
		out := c.MustConverge()
		if requests, failures := stop(); len(failures) > 0 || requests == 0 {
			t.Errorf("%s: %d of %d requests to the other app failed, the first: %v", what, len(failures), requests, failures)
		}
		if got := s.shown(blog); got != certificate {
			t.Errorf("%s: another certificate is shown\n%s", what, out)
		}
	}
	certificate, _ := makeCertificate(t, blog)
	last := s.shown(blog)
	put(own.Cert, certificate) // without its key
	if ok, out := c.Converge(); ok || !strings.Contains(out, "blog") {
		t.Errorf("a certificate with another's key: succeeded %v\n%s", ok, out)
	}
	if s.shown(blog) != last {
		t.Error("the certificate with another's key took the old one's place")
	}
	for _, name := range []string{own.Cert, own.Key} {
		if _, err := client.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	c.MustConverge()
	if s.shown(blog) == last {
		t.Errorf("the certificate is still shown after its parameters are gone; the one before was\n%s", before)
	}
	if err := s.answers(t.Context(), blog); err != nil {
		t.Error(err)
	}
}

const wiki = `    wiki:
      domain: wiki.localhost
      zone: localhost
      containerPort: 8080
`

func addAndRemove(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	before := running(c)
	c.Edit("Pulumi.local.yaml", func(text string) string {
		return strings.Replace(text, "  webstack:activeApp:", wiki+"  webstack:activeApp:", 1)
	})
	stop := s.watch(shop, blog)
	begun := time.Now()
	c.MustLaptop("up")
	t.Logf("edit to answer: %v", time.Since(begun).Round(100*time.Millisecond))
	requests, failures := stop()
	t.Logf("%d requests to the other apps meanwhile", requests)
	if len(failures) > 0 || requests == 0 {
		t.Errorf("%d of %d requests to the other apps failed, the first: %v", len(failures), requests, failures[0])
	}
	if err := s.answers(t.Context(), "wiki.localhost"); err != nil {
		t.Error(err)
	}
	after := running(c)
	for line := range strings.Lines(before) {
		if strings.Contains(line, " ") && !strings.Contains(after, line) {
			t.Errorf("restarted: %s", line)
		}
	}
	c.Edit("Pulumi.local.yaml", func(text string) string { return strings.Replace(text, wiki, "", 1) })
	stop = s.watch(shop, blog)
	c.MustLaptop("up")
	if requests, failures := stop(); len(failures) > 0 {
		t.Errorf("%d of %d requests to the other apps failed, the first: %v", len(failures), requests, failures[0])
	}
	if err := s.answers(t.Context(), "wiki.localhost"); err == nil {
		t.Error("the app answers after it was removed")
	}
	left := c.OnHost("docker ps -a --format '{{.Names}}'; ls /opt/webstack/env /opt/webstack/caddy/*")
	if strings.Contains(left, "wiki") {
		t.Errorf("left of the app: %s", left)
	}
	if databases := c.OnHost("docker exec postgres psql -U postgres -Atc 'select datname from pg_database'"); !strings.Contains(databases, "wiki") {
		t.Errorf("its data is gone: %s", databases)
	}
}

func replaced(t *testing.T, c *lab.Clone) {
	s := newSite(t, c)
	message := "written before " + time.Now().Format(time.RFC3339Nano)
	response, err := s.client(&tls.Config{RootCAs: s.roots}).PostForm("https://"+shop+"/guestbook",
		url.Values{"name": {"tester"}, "message": {message}})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("sign the guestbook: %s", response.Status)
	}
	certificates := []string{s.shown(shop), s.shown(blog)}
	version := s.get("https://" + shop + "/version").body
	id, _ := c.Host()
	begun := time.Now()
	_, err = ec2.NewFromConfig(c.AWS()).TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	// Plain Pulumi, which only creates the host: the host does the rest on its own.
	c.Must(c.Pulumi("up", "-s", lab.Stack, "--yes", "--skip-preview", "--refresh"))
	if now, _ := c.Host(); now == id {
		t.Fatal("it is the same host")
	}
	s = newSite(t, c)
	c.Eventually("the new host answers", func(ctx context.Context) error {
		return errors.Join(s.answers(ctx, shop), s.answers(ctx, blog))
	})
	t.Logf("terminate to answer: %v", time.Since(begun).Round(100*time.Millisecond))
	if got := s.get("https://" + shop + "/").body; !strings.Contains(got, message) {
		t.Errorf("the guestbook has lost the entry:\n%.2000s", got)
	}
	if s.shown(shop) != certificates[0] || s.shown(blog) != certificates[1] {
		t.Error("the certificates are others")
	}
	if got := s.get("https://" + shop + "/version").body; got != version {
		t.Errorf("the release is %q, was %q", got, version)
	}
}
