package config

import (
	"webstack/contract"
	"webstack/internal/lazyregexp"
)

var (
	accountPattern = lazyregexp.New(`^[0-9]{12}$`)
	rolePattern    = lazyregexp.New(`^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$`)
	profilePattern = lazyregexp.New(`^[A-Za-z0-9._@/+-]+$`)
)

// knownRegions only serves to suggest corrections: a new region of the right form is accepted without being listed.
var knownRegions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1",
	"ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
	"ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1",
	"eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
	"me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
}

// awsKeys are the keys of the namespace aws that are passed to the provider. An explicit provider does not read them
// itself. Keys for credentials are left out on purpose: they belong in the environment or a profile.
var awsKeys = []spec[input]{
	{Key: Key{Name: awsRegion, Required: true, Pattern: contract.RegionPattern,
		Description: "Region of all resources. It must be set.",
		Allowed:     "a region of AWS's commercial partition, such as us-east-1"},
		at: func(c *input) any { return &c.AWS.Region }, check: checkRegion},
	{Key: Key{Name: "aws:profile", Pattern: profilePattern.String(),
		Description: "Profile of the AWS config file whose credentials are used. If empty, those of the environment are " +
			"used.",
		Allowed: "the name of a profile in the AWS config file"},
		at: func(c *input) any { return &c.AWS.Profile }},
	{Key: Key{Name: "aws:assumeRole", Default: "{}", Pattern: rolePattern.String(),
		Description: "Role to assume before doing anything.",
		Allowed:     "a map with the key roleArn, the ARN of a role"},
		at: func(c *input) any { return &c.role }},
	{Key: Key{Name: "aws:allowedAccountIds", Default: "[]", Pattern: accountPattern.String(),
		Description: "Accounts that may be changed. With credentials for any other account, nothing is done.",
		Allowed:     "account IDs of 12 digits, in quotes"},
		at: func(c *input) any { return &c.AWS.AllowedAccountIDs }},
	{Key: Key{Name: "aws:s3UsePathStyle",
		Description: "Put bucket names in the path of a URL instead of in its host name."},
		at: func(c *input) any { return &c.AWS.S3UsePathStyle }},
	{Key: Key{Name: "aws:skipCredentialsValidation",
		Description: "Do not validate the credentials with STS before using them."},
		at: func(c *input) any { return &c.AWS.SkipCredentialsValidation }},
	{Key: Key{Name: "aws:skipMetadataApiCheck",
		Description: "Do not look for credentials in the instance metadata service."},
		at: func(c *input) any { return &c.AWS.SkipMetadataAPICheck }},
}

func checkRegion(v string) string {
	switch {
	case contract.InOtherPartition(v):
		return "is in another AWS partition, such as China's or GovCloud's"
	case contract.CheckRegion(v) != nil:
		return "is not a region" + didYouMean(v, knownRegions)
	}
	return ""
}

// decodeRole reads aws:assumeRole.
func (d *decoder) decodeRole(path string, s spec[input], role *assumeRole, n node) {
	arn := s.Key
	arn.Type, arn.Required, arn.Default, arn.top = TypeString, true, "", false
	arn.Allowed = "the ARN of a role, such as arn:aws:iam::123456789012:role/deploy"
	members := d.object(path, n, s.Allowed)
	for _, m := range members {
		at, text := join(path, m.name), ""
		if m.name != "roleArn" {
			d.add(at, "is not passed to the provider", "roleArn")
		} else if d.rightlyEncrypted(at, arn, m.value) && d.wantScalar(at, arn, m.value, &text) {
			d.decodeScalar(at, arn, (*string)(role), nil, text)
		}
	}
	if _, ok := n.child("roleArn"); !ok && n.kind == objectNode && !d.bad[path] {
		d.add(join(path, "roleArn"), "is missing", arn.Allowed)
	}
}
