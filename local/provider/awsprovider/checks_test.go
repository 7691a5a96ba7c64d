package awsprovider

import (
	"strings"
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// TestChecks pins what is refused before anything is made.
func TestChecks(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		token  string
		inputs provider.Values
		want   string
	}{
		"network of a host": {"aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.1/16"}, "is no IPv4 CIDR block"},
		"network too large": {"aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.0/8"}, "from /16 to /28"},
		"two zones": {"aws:ec2/subnet:Subnet", provider.Values{
			"vpcId": "v", "availabilityZone": "a", "availabilityZoneId": "b",
		}, "set only one of availabilityZone, availabilityZoneId"},
		"route without target": {"aws:ec2/route:Route", provider.Values{
			"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0",
		}, "set exactly one of gatewayId"},
		"route to two networks": {"aws:ec2/route:Route", provider.Values{
			"routeTableId": "r", "destinationCidrBlock": "0.0.0.0/0", "destinationIpv6CidrBlock": "::/0", "gatewayId": "g",
		}, "set exactly one of destinationCidrBlock"},
		"association of nothing": {"aws:ec2/routeTableAssociation:RouteTableAssociation", provider.Values{
			"routeTableId": "r",
		}, "set exactly one of subnetId, gatewayId"},
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
		}, "fromPort: 70000 is no whole number from -1 to 65535"},
		"inline rule": {"aws:ec2/securityGroup:SecurityGroup", provider.Values{"ingress": []any{provider.Values{
			"protocol": "tcp", "fromPort": 1, "toPort": 1, "cidrBlocks": []string{"10.0.0.1/8"},
		}}}, "ingress[0].cidrBlocks:"},
		"private gateway with address": {"aws:ec2/natGateway:NatGateway", provider.Values{
			"subnetId": "s", "connectivityType": "private", "allocationId": "e",
		}, "a private NAT gateway has no public address"},
		"instance without image": {"aws:ec2/instance:Instance", provider.Values{
			"instanceType": "t3.small",
		}, "set at least one of ami"},
		"user data too long": {"aws:ec2/instance:Instance", provider.Values{
			"ami": "a", "instanceType": "t", "userData": strings.Repeat("x", 16385),
		}, "userData: must be a string of up to 16384 characters"},
		"tokens maybe": {"aws:ec2/instance:Instance", provider.Values{
			"ami": "a", "instanceType": "t", "metadataOptions": provider.Values{"httpTokens": "maybe"},
		}, "metadataOptions.httpTokens:"},
		"tags of the root volume twice": {"aws:ec2/instance:Instance", provider.Values{
			"ami": "a", "instanceType": "t", "volumeTags": provider.Values{},
			"rootBlockDevice": provider.Values{"tags": provider.Values{}},
		}, "set only one of volumeTags, rootBlockDevice.tags"},
		"volume of no size": {"aws:ebs/volume:Volume", provider.Values{
			"availabilityZone": "a",
		}, "set at least one of size, snapshotId"},
		"throughput of gp2": {"aws:ebs/volume:Volume", provider.Values{
			"availabilityZone": "a", "size": 1, "type": "gp2", "throughput": 200,
		}, "throughput: cannot be set"},
		"key kept for a day": {"aws:kms/key:Key", provider.Values{
			"deletionWindowInDays": 1,
		}, "no whole number from 7 to 30"},
		"policy that is no JSON": {"aws:kms/key:Key", provider.Values{"policy": "allow"}, "policy: must be JSON text"},
		"alias without prefix":   {"aws:kms/alias:Alias", provider.Values{"name": "a", "targetKeyId": "k"}, "must be alias/"},
		"alias of AWS": {"aws:kms/alias:Alias", provider.Values{
			"name": "alias/aws/s3", "targetKeyId": "k",
		}, "must not start with alias/aws/"},
		"database with capitals": {"aws:rds/instance:Instance", provider.Values{
			"instanceClass": "c", "identifier": "Shop",
		}, "identifier: "},
		"backups for ever": {"aws:rds/instance:Instance", provider.Values{
			"instanceClass": "c", "backupRetentionPeriod": 36,
		}, "backupRetentionPeriod: 36 is no whole number from 0 to 35"},
		"parameter group with a dash at its end": {"aws:rds/parameterGroup:ParameterGroup", provider.Values{
			"family": "postgres17", "name": "a-",
		}, "name: must not contain two hyphens"},
		"subnet group of AWS": {"aws:rds/subnetGroup:SubnetGroup", provider.Values{
			"subnetIds": []string{"s"}, "name": "Default",
		}, `name: must not be "default"`},
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
		"aws:ec2/securityGroup:SecurityGroup":   {"name", base + "-", nil},
		"aws:kms/alias:Alias":                   {"name", "alias/" + base + "-", provider.Values{"targetKeyId": "k"}},
		"aws:rds/instance:Instance":             {"identifier", base, provider.Values{"instanceClass": "c"}},
		"aws:rds/parameterGroup:ParameterGroup": {"name", base + "-", provider.Values{"family": "f"}},
		"aws:rds/subnetGroup:SubnetGroup":       {"name", base + "-", provider.Values{"subnetIds": []string{"s"}}},
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
