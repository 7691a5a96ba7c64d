package awsprovider

import (
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

func TestKmsKey(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	providertest.Lifecycle{
		Token: "aws:kms/key:Key",
		Inputs: provider.Values{
			"description": "secrets", "enableKeyRotation": true, "deletionWindowInDays": 7,
			"tags": provider.Values{"Name": "secrets"},
		},
		Unknown: []string{"arn", "keyId"},
		Update: provider.Values{
			"description": "all secrets", "enableKeyRotation": false, "tags": provider.Values{"Owner": "ops"},
		},
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
