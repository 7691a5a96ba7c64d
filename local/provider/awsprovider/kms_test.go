package awsprovider

import (
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func TestKmsKey(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"root","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":"kms:*","Resource":"*"}]}`
	providertest.Lifecycle{
		Token: "aws:kms/key:Key",
		Inputs: provider.Values{
			"description": "secrets", "enableKeyRotation": true, "deletionWindowInDays": 7, "policy": policy,
			"tags": provider.Values{"Name": "secrets"},
		},
		Unknown: []string{"arn", "keyId"},
		Want:    provider.Values{"isEnabled": true, "keyUsage": "ENCRYPT_DECRYPT"},
		Update: provider.Values{
			"description": "all secrets", "enableKeyRotation": false, "isEnabled": false,
			"tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{{"keyUsage": "SIGN_VERIFY"}, {"customerMasterKeySpec": "RSA_2048"}},
	}.Run(t, e)
}

func TestKmsAlias(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one := e.Create("aws:kms/key:Key", provider.Values{"description": "one"})
	two := e.Create("aws:kms/key:Key", provider.Values{"description": "two"})
	providertest.Lifecycle{
		Token:   "aws:kms/alias:Alias",
		Inputs:  provider.Values{"targetKeyId": one.Outputs["arn"]},
		Unknown: []string{"arn", "targetKeyArn"},
		Want:    provider.Values{"targetKeyArn": one.Outputs["arn"]},
		Update:  provider.Values{"targetKeyId": two.ID},
		Replace: []provider.Values{{"name": "alias/other"}},
	}.Run(t, e)
}
