package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

func TestKmsKey(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"root","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":"kms:*","Resource":"*"}]}`
	lifecycle{
		token: "aws:kms/key:Key",
		inputs: provider.Values{
			"description": "secrets", "enableKeyRotation": true, "deletionWindowInDays": 7, "policy": policy,
			"tags": provider.Values{"Name": "secrets"},
		},
		unknown: []string{"arn", "keyId"},
		want:    provider.Values{"isEnabled": true, "keyUsage": "ENCRYPT_DECRYPT"},
		update: provider.Values{
			"description": "all secrets", "enableKeyRotation": false, "isEnabled": false,
			"tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{{"keyUsage": "SIGN_VERIFY"}, {"customerMasterKeySpec": "RSA_2048"}},
	}.run(t, e)
}

func TestKmsAlias(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.create("aws:kms/key:Key", provider.Values{"description": "one"})
	two := e.create("aws:kms/key:Key", provider.Values{"description": "two"})
	lifecycle{
		token:   "aws:kms/alias:Alias",
		inputs:  provider.Values{"targetKeyId": one.outputs["arn"]},
		unknown: []string{"arn", "targetKeyArn"},
		want:    provider.Values{"targetKeyArn": one.outputs["arn"]},
		update:  provider.Values{"targetKeyId": two.id},
		replace: []provider.Values{{"name": "alias/other"}},
	}.run(t, e)
}
