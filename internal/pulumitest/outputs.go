package pulumitest

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// AccountID and Region are those of the made-up account.
const (
	AccountID = "123456789012"
	Region    = "us-east-1"
	registry  = AccountID + ".dkr.ecr." + Region + ".amazonaws.com"
)

// AWSOutputs are outputs as AWS and Cloudflare would give them, for Options.Outputs: in a run that is no preview, an
// output that nobody sets would be known and empty, which no real run has.
func AWSOutputs(r Resource) resource.PropertyMap {
	out := resource.PropertyMap{}
	if strings.HasPrefix(r.Type, "aws:") {
		out["arn"] = resource.NewProperty("arn:aws:" + strings.Split(r.Type, ":")[1] + ":::" + r.Name)
	}
	for key, value := range outputsByType[r.Type] {
		out[resource.PropertyKey(key)] = resource.NewProperty(strings.ReplaceAll(value, "NAME", r.Name))
	}
	for _, key := range []resource.PropertyKey{"name", "bucket", "key"} {
		if _, given := r.Inputs[key]; !given {
			out[key] = resource.NewProperty(r.Name + "-0a1b2c3")
		}
	}
	if r.Type == "aws:ec2/instance:Instance" {
		out["ipv6Addresses"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty("2600:1f18:aaaa:bb00::5")})
	}
	return out
}

// outputsByType has string outputs; NAME stands for the resource's Pulumi name.
var outputsByType = map[string]map[string]string{
	"aws:ec2/vpc:Vpc": {
		"ipv6CidrBlock": "2600:1f18:aaaa:bb00::/56", "defaultSecurityGroupId": "sg-default", "mainRouteTableId": "rtb-main",
	},
	"aws:ec2/instance:Instance":                  {"publicIp": "192.0.2.10"},
	"aws:ec2/eip:Eip":                            {"publicIp": "192.0.2.20"},
	"aws:ecr/repository:Repository":              {"repositoryUrl": registry + "/NAME"},
	"aws:rds/instance:Instance":                  {"endpoint": "db.example.com:5432", "address": "db.example.com"},
	"aws:kms/key:Key":                            {"keyId": "11111111-2222-3333-4444-555555555555"},
	"aws:ssm/association:Association":            {"associationId": "NAME-association"},
	"random:index/randomId:RandomId":             {"hex": "0a1b2c3d"},
	"random:index/randomPassword:RandomPassword": {"result": "generated-password-of-NAME"},
}

// secretOutputs are the outputs that a preview has, too: the SDK's stand-in for the engine cannot carry a secret that
// is not known.
func secretOutputs(r Resource) resource.PropertyMap {
	if r.Type != "random:index/randomPassword:RandomPassword" {
		return nil
	}
	return AWSOutputs(r)
}
