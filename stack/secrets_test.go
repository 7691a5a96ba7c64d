package stack

import (
	"encoding/json"
	"strings"
	"testing"

	"webstack/internal/pulumitest"
)

// TestSecretsAreSecret names every property that may hold a secret.
func TestSecretsAreSecret(t *testing.T) {
	t.Parallel()
	s := everything()
	for run, r := range map[string]*pulumitest.Recorder{"preview": s.preview(t), "up": s.run(t)} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			r.CheckSecrets(t, "pulumi:providers:cloudflare.apiToken", "aws:rds/instance:Instance.password")
			secure := 0
			for _, parameter := range r.ByType("aws:ssm/parameter:Parameter") {
				if parameter.Text("type") != "SecureString" {
					continue
				}
				secure++
				if !parameter.IsSecret("value") {
					t.Errorf("the value of %s is not secret", parameter.Name)
				}
				if _, known := parameter.Inputs["keyId"]; !known && run == "up" {
					t.Errorf("%s is encrypted with the key that all of the account may use", parameter.Name)
				}
			}
			if want := 1 + 3 + 2 + 2; secure != want { // the superuser's, one for each app's database, two variables, two services
				t.Errorf("there are %d secure parameters, want %d", secure, want)
			}
		})
	}
}

// TestSecretsStayInSecretInputs looks for the secrets of the config everywhere else.
func TestSecretsStayInSecretInputs(t *testing.T) {
	t.Parallel()
	s := everything()
	for run, r := range map[string]*pulumitest.Recorder{"preview": s.preview(t), "up": s.run(t)} {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			dump := string(r.Dump(t))
			if strings.Contains(dump, canary) {
				t.Errorf("a secret is registered in clear:\n%s", around(dump, canary))
			}
			for _, call := range r.Calls() {
				text, err := json.Marshal(call.Args.Mappable())
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(text), canary) {
					t.Errorf("the invoke %s holds a secret", call.Token)
				}
			}
			held := 0
			for _, found := range r.All() {
				for key := range found.Inputs {
					if found.IsSecret(string(key)) && strings.Contains(found.Text(string(key)), canary) {
						held++
					}
				}
			}
			if held < 5 { // token, password twice, two variables
				t.Errorf("only %d secrets of the config reach their place", held)
			}
		})
	}
}

func around(text, part string) string {
	at := strings.Index(text, part)
	return text[max(0, at-200):min(len(text), at+50)]
}

// TestSecretInClearIsRefused is about a secret that somebody has put into the stack file as it is.
func TestSecretInClearIsRefused(t *testing.T) {
	t.Parallel()
	s := everything()
	s.secretKeys = nil
	r, err := pulumitest.Run(Program(s.program(t)), s.options())
	if err == nil {
		t.Fatal("the config is taken")
	}
	for _, key := range []string{"appEnvSecure.shop.API_KEY", "appEnvSecure.shop.PEM", "cloudflare:apiToken", "postgresPassword",
		"resendApiKey", "slackWebhookUrl"} {
		if !strings.Contains(err.Error(), key+": is not encrypted") {
			t.Errorf("%s is not refused: %v", key, err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Error("the error holds a secret")
	}
	if len(r.ByType("pulumi:providers:aws")) > 0 {
		t.Error("something is registered")
	}
}
