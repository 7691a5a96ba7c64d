package operate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

var test = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")

// account serves who the caller is, and nothing else.
func account(t *testing.T, status int, answer string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

const caller = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

// clone makes a folder with a project and stack files.
func clone(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile("../../Pulumi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files["Pulumi.yaml"] = string(text)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenRealStackFilesWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dev", "local"} {
		s, err := Open(t.Context(), Options{
			Dir: "../..", Stack: name, Endpoint: account(t, http.StatusOK, caller), Credentials: test,
		})
		if err != nil {
			t.Fatal(err)
		}
		if s.Project != "webstack" || s.Account != "123456789012" || s.Region != "us-east-1" || len(s.Config.Apps) != 2 ||
			s.Tag() != "webstack/"+name || s.Document("deploy", "shop") != "webstack-"+name+"-deploy-shop" {
			t.Errorf("%s: %+v", name, s)
		}
		if _, err := s.App("shop"); err != nil {
			t.Error(err)
		}
		if _, err := s.App("shoop"); err == nil || !strings.Contains(err.Error(), "has blog, shop") {
			t.Error(err)
		}
	}
}

func TestOpenWithAllKindsOfSecrets(t *testing.T) {
	t.Parallel()
	dir := clone(t, map[string]string{"Pulumi.prod.yaml": `
secretsprovider: awskms://alias/pulumi
encryptedkey: AQIDAHg=
config:
  aws:region: eu-central-1
  webstack:enableDns: true
  cloudflare:apiToken: {secure: v1:cX09W9V2bmgLHFZP:ExHp7a/efITmeGWf30qEflI=}
  webstack:postgresPassword: {secure: v1:cX09W9V2bmgLHFZP:ExHp7a/efITmeGWf30qEflI=}
  webstack:appEnvSecure: {secure: v1:cX09W9V2bmgLHFZP:ExHp7a/efITmeGWf30qEflI=}
  webstack:apps: {shop: {domain: shop.example.com, zone: example.com}}
`})
	s, err := Open(t.Context(), Options{
		Dir: dir, Stack: "prod", Endpoint: account(t, http.StatusOK, caller), Credentials: test,
	})
	if err != nil || !s.Config.EnableDns || s.Config.Apps[0].Domain != "shop.example.com" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := clone(t, map[string]string{
		"Pulumi.noregion.yaml": "config: {}\n",
		"Pulumi.wrong.yaml":    "config: {aws:region: eu-central-1, webstack:apps: {shop: {}}, webstack:useEip: 7}\n",
		"Pulumi.clear.yaml":    "config: {aws:region: eu-central-1, webstack:postgresPassword: abcdefghijklmnopq}\n",
		"Pulumi.other.yaml":    "config: {aws:region: eu-central-1, aws:allowedAccountIds: ['210987654321']}\n",
		"Pulumi.good.yaml":     "config: {aws:region: eu-central-1}\n",
		"Pulumi.profile.yaml":  "config: {aws:region: eu-central-1, aws:profile: not-there}\n",
	})
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, fmt.Errorf("no EC2 IMDS role found")
	})
	xml := func(code string) string {
		return "<ErrorResponse><Error><Code>" + code + "</Code><Message>no\nno</Message></Error></ErrorResponse>"
	}
	tests := []struct {
		stack, want, answer string
		credentials         aws.CredentialsProvider
	}{
		{"nowhere", "there are stacks clear, good, noregion, other, profile, wrong", caller, test},
		{"../x", "it is not a valid stack name", caller, test},
		{"noregion", "pulumi config set --stack noregion aws:region", caller, test},
		{"wrong", "apps.shop.domain: is missing", caller, test},
		{"wrong", "useEip: ", caller, test},
		{"clear", "postgresPassword: is not encrypted", caller, test},
		{"other", "use AWS account 123456789012: aws:allowedAccountIds of stack other allows only 210987654321", caller, test},
		{"profile", `AWS profile "not-there" does not exist`, caller, nil},
		{"good", "no AWS credentials found; sign in", caller, none},
		{"good", "the AWS credentials have expired; sign in again", xml("ExpiredToken"), test},
		{"good", "InvalidClientTokenId: no no; AWS rejects these", xml("InvalidClientTokenId"), test},
		{"good", "AccessDenied: no no; ask for that permission", xml("AccessDenied"), test},
	}
	for _, c := range tests {
		status := http.StatusForbidden
		if c.answer == caller {
			status = http.StatusOK
		}
		_, err := Open(t.Context(), Options{
			Dir: dir, Stack: c.stack, Endpoint: account(t, status, c.answer), Credentials: c.credentials,
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.stack, err, c.want)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := Open(t.Context(), Options{Dir: "../..", Stack: "dev", Endpoint: server.URL, Credentials: test})
	if err == nil || !strings.Contains(err.Error(), "cannot reach AWS") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}
