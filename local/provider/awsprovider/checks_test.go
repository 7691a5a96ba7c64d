package awsprovider

import (
	"strings"
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// TestChecks tests what is rejected before anything is created.
func TestChecks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  string
		inputs provider.Values
		want   string
	}{
		"network of a host": {"aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.1/16"}, "is not an IPv4 CIDR block"},
		"network too large": {"aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.0/8"}, "from /16 to /28"},
		"route without target": {"aws:ec2/route:Route", provider.Values{
			"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0",
		}, "set exactly one of gatewayId"},
		"route to two networks": {"aws:ec2/route:Route", provider.Values{
			"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0", "destinationIpv6CidrBlock": "::/0", "gatewayId": "g",
		}, "set exactly one of destinationCidrBlock"},
		"association of nothing": {"aws:ec2/routeTableAssociation:RouteTableAssociation", provider.Values{
			"routeTableId": "r",
		}, "set at least one of subnetId"},
		"interface endpoint": {"aws:ec2/vpcEndpoint:VpcEndpoint", provider.Values{
			"vpcId": "v", "vpcEndpointType": "Interface",
		}, `"Interface" is not one of Gateway`},
		"name like an id": {"aws:ec2/securityGroup:SecurityGroup", provider.Values{
			"name": "sg-1",
		}, "must not start with sg-"},
		"rule about two sources": {"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", provider.Values{
			"securityGroupId": "s", "ipProtocol": "tcp", "cidrIpv4": "0.0.0.0/0", "cidrIpv6": "::/0",
		}, "set exactly one of cidrIpv4"},
		"port too high": {"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", provider.Values{
			"securityGroupId": "s", "ipProtocol": "tcp", "cidrIpv4": "0.0.0.0/0", "fromPort": 70000,
		}, "fromPort: 70000 is not a whole number from -1 to 65535"},
		"inline rule": {"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", provider.Values{
			"vpcId": "v", "ingress": []any{provider.Values{"protocol": "tcp"}},
		}, "ingress: the laptop cloud does not support inline rules"},
		"instance without image": {"aws:ec2/instance:Instance", provider.Values{
			"instanceType": "t3.small",
		}, "set at least one of ami"},
		"user data too long": {"aws:ec2/instance:Instance", provider.Values{
			"ami": "a", "instanceType": "t", "userData": strings.Repeat("x", 16385),
		}, "userData: must be a string of up to 16384 characters"},
		"tokens maybe": {"aws:ec2/instance:Instance", provider.Values{
			"ami": "a", "instanceType": "t", "metadataOptions": provider.Values{"httpTokens": "maybe"},
		}, "metadataOptions.httpTokens:"},
		"volume of no size": {"aws:ebs/volume:Volume", provider.Values{
			"availabilityZone": "a",
		}, "set at least one of size"},
		"key kept for a day": {"aws:kms/key:Key", provider.Values{
			"deletionWindowInDays": 1,
		}, "not a whole number from 7 to 30"},
		"alias without prefix": {"aws:kms/alias:Alias", provider.Values{"name": "a", "targetKeyId": "k"}, "must be alias/"},
		"alias of AWS": {"aws:kms/alias:Alias", provider.Values{
			"name": "alias/aws/s3", "targetKeyId": "k",
		}, "must not start with alias/aws/"},
		"database with capitals": {"aws:rds/instance:Instance", provider.Values{
			"instanceClass": "c", "identifier": "Shop",
		}, "identifier: "},
		"backups for ever": {"aws:rds/instance:Instance", provider.Values{
			"instanceClass": "c", "backupRetentionPeriod": 36,
		}, "backupRetentionPeriod: 36 is not a whole number from 0 to 35"},
		"parameter group with a dash at its end": {"aws:rds/parameterGroup:ParameterGroup", provider.Values{
			"family": "postgres17", "name": "a-",
		}, "name: must not contain two hyphens"},
		"subnet group of AWS": {"aws:rds/subnetGroup:SubnetGroup", provider.Values{
			"subnetIds": []string{"s"}, "name": "Default",
		}, `name: must not be "default"`},
		"trust with space before it": {"aws:iam/role:Role", provider.Values{
			"assumeRolePolicy": " " + ec2Trust,
		}, "assumeRolePolicy: must be a JSON object"},
		"policy that is a list": {"aws:iam/policy:Policy", provider.Values{"policy": "[]"}, "policy: must be a JSON object"},
		"policy cut short":      {"aws:iam/policy:Policy", provider.Values{"policy": readAll[1:]}, "policy: must be a JSON"},
		"policy of a role by ARN": {"aws:iam/rolePolicy:RolePolicy", provider.Values{
			"role": "arn:aws:iam::1:role/host", "policy": readAll,
		}, "role: "},
		"attachment by name": {"aws:iam/rolePolicyAttachment:RolePolicyAttachment", provider.Values{
			"role": "host", "policyArn": "ReadOnlyAccess",
		}, "policyArn: "},
		"issuer over http": {"aws:iam/openIdConnectProvider:OpenIdConnectProvider", provider.Values{
			"url": "http://example.com", "clientIdLists": []string{"a"},
		}, "url: must be an https URL"},
		"document with a slash": {"aws:ssm/document:Document", provider.Values{
			"name": "a/b", "content": "{}", "documentType": "Command",
		}, "name: "},
		"document of no type": {"aws:ssm/document:Document", provider.Values{
			"content": "{}", "documentType": "Script",
		}, `documentType: "Script" is not one of Command, Policy`},
		"parameter twice": {"aws:ssm/parameter:Parameter", provider.Values{
			"type": "String", "value": "a", "insecureValue": "a",
		}, "set exactly one of value, insecureValue"},
		"secret in the open": {"aws:ssm/parameter:Parameter", provider.Values{
			"type": "SecureString", "insecureValue": "a",
		}, "insecureValue: a SecureString takes value"},
		"bucket with capitals": {"aws:s3/bucketV2:BucketV2", provider.Values{"bucket": "Backups"}, "bucket: "},
		"object of two contents": {"aws:s3/bucketObjectv2:BucketObjectv2", provider.Values{
			"bucket": "b", "content": "a", "source": "a",
		}, "set only one of source, content"},
		"rule that sleeps": {"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", provider.Values{
			"bucket": "b", "rules": []any{provider.Values{"id": "a", "status": "Asleep"}},
		}, "rules[0].status: "},
		"tags that change at times": {"aws:ecr/repository:Repository", provider.Values{
			"imageTagMutability": "SOMETIMES",
		}, `imageTagMutability: "SOMETIMES" is not one of MUTABLE, IMMUTABLE`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := newEngine(t).Check(test.token, nil, test.inputs)
			providertest.WantProblem(t, problems, test.want)
		})
	}
}

func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	base := e.Name
	for token, test := range map[string]struct {
		key, prefix string
		inputs      provider.Values
	}{
		"aws:ec2/securityGroup:SecurityGroup":     {"name", base + "-", nil},
		"aws:kms/alias:Alias":                     {"name", "alias/" + base + "-", provider.Values{"targetKeyId": "k"}},
		"aws:rds/instance:Instance":               {"identifier", base, provider.Values{"instanceClass": "c"}},
		"aws:rds/parameterGroup:ParameterGroup":   {"name", base + "-", provider.Values{"family": "f"}},
		"aws:rds/subnetGroup:SubnetGroup":         {"name", base + "-", provider.Values{"subnetIds": []string{"s"}}},
		"aws:ecr/repository:Repository":           {"name", base + "-", nil},
		"aws:iam/instanceProfile:InstanceProfile": {"name", base + "-", nil},
		"aws:iam/policy:Policy":                   {"name", base + "-", provider.Values{"policy": readAll}},
		"aws:iam/role:Role":                       {"name", base + "-", provider.Values{"assumeRolePolicy": ec2Trust}},
		"aws:iam/rolePolicy:RolePolicy":           {"name", base + "-", provider.Values{"role": "r", "policy": readAll}},
		"aws:s3/bucketV2:BucketV2":                {"bucket", base + "-", nil},
		"aws:ssm/document:Document": {"name", base + "-", provider.Values{
			"content": "{}", "documentType": "Command",
		}},
		"aws:ssm/parameter:Parameter": {"name", base + "-", provider.Values{"type": "String", "value": "v"}},
	} {
		in := e.Checked(token, nil, providertest.Merged(test.inputs, nil))
		name := in.Str(test.key)
		if suffix, ok := strings.CutPrefix(name, test.prefix); !ok || len(suffix) != 7 {
			t.Errorf("%s: %q, want %s and 7 characters", token, name, test.prefix)
		}
		if again := e.Checked(token, in, providertest.Merged(test.inputs, nil)).Str(test.key); again != name {
			t.Errorf("%s: %q becomes %q", token, name, again)
		}
	}
}

// TestLongestNames: a generated name fits, or is rejected; keys of objects are the unchanged resource's name.
func TestLongestNames(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	role := provider.Values{"assumeRolePolicy": ec2Trust}
	e.Name = strings.Repeat("R", 56)
	if name := e.Checked("aws:iam/role:Role", nil, role).Str("name"); len(name) != 64 {
		t.Errorf("the longest name of a role is %q", name)
	}
	e.Name = strings.Repeat("R", 57)
	if _, problems := e.Check("aws:iam/role:Role", nil, role); len(problems) == 0 {
		t.Error("a name of 65 characters is accepted for a role")
	}
	e.Name = "Backups"
	if name := e.Checked("aws:s3/bucketV2:BucketV2", nil, nil).Str("bucket"); !strings.HasPrefix(name, "backups-") {
		t.Errorf("the name of a bucket is %q", name)
	}
	object := e.Checked("aws:s3/bucketObjectv2:BucketObjectv2", nil, provider.Values{"bucket": "b"})
	if object.Str("key") != "Backups" {
		t.Errorf("the key of an object is %q", object.Str("key"))
	}
}
