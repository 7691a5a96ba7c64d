package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

// newVpc makes a VPC for what lies in it.
func newVpc(e *engine) *made {
	e.t.Helper()
	return e.create("aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.9.0.0/16"})
}

func newSubnet(e *engine, vpc *made, cidr, zone string) *made {
	e.t.Helper()
	return e.create("aws:ec2/subnet:Subnet", provider.Values{
		"vpcId": vpc.id, "cidrBlock": cidr, "availabilityZone": "eu-central-1" + zone,
	})
}

func TestVpc(t *testing.T) {
	t.Parallel()
	lifecycle{
		token: "aws:ec2/vpc:Vpc",
		inputs: provider.Values{
			"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true, "assignGeneratedIpv6CidrBlock": true,
			"tags": provider.Values{"Name": "one"},
		},
		unknown: []string{"arn", "defaultSecurityGroupId", "ipv6CidrBlock", "mainRouteTableId"},
		want: provider.Values{
			"enableDnsSupport": true, "instanceTenancy": "default", "tagsAll": provider.Values{"Name": "one", "stack": "test"},
		},
		update: provider.Values{
			"enableDnsHostnames": false, "enableDnsSupport": false, "assignGeneratedIpv6CidrBlock": nil,
			"tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{{"cidrBlock": "10.1.0.0/16"}, {"instanceTenancy": "dedicated"}},
	}.run(t, newEngine(t))
}

func TestSubnet(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := e.create("aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.0/16", "assignGeneratedIpv6CidrBlock": true})
	block := vpc.outputs.Str("ipv6CidrBlock")
	lifecycle{
		token: "aws:ec2/subnet:Subnet",
		inputs: provider.Values{
			"vpcId": vpc.id, "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-central-1a",
			"tags": provider.Values{"Tier": "public"},
		},
		unknown: []string{"arn", "availabilityZoneId"},
		want:    provider.Values{"mapPublicIpOnLaunch": false},
		update: provider.Values{
			"mapPublicIpOnLaunch": true, "ipv6CidrBlock": block[:len(block)-len("/56")] + "/64",
			"assignIpv6AddressOnCreation": true, "enableResourceNameDnsARecordOnLaunch": true,
			"tags": provider.Values{"Tier": "private-app"},
		},
		replace: []provider.Values{
			{"cidrBlock": "10.0.2.0/24"}, {"availabilityZone": "eu-central-1b"}, {"vpcId": provider.Unknown{}},
		},
	}.run(t, e)
}

func TestInternetGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one, two := newVpc(e), newVpc(e)
	lifecycle{
		token:   "aws:ec2/internetGateway:InternetGateway",
		inputs:  provider.Values{"vpcId": one.id},
		unknown: []string{"arn", "ownerId"},
		update:  provider.Values{"vpcId": two.id, "tags": provider.Values{"Name": "way out"}},
	}.run(t, e)
}

func TestEgressOnlyInternetGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	lifecycle{
		token:   "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
		inputs:  provider.Values{"vpcId": newVpc(e).id},
		update:  provider.Values{"tags": provider.Values{"Name": "way out"}},
		replace: []provider.Values{{"vpcId": "vpc-other"}},
	}.run(t, e)
}

func TestRouteTable(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	_, problems := e.check("aws:ec2/routeTable:RouteTable", nil, provider.Values{"vpcId": vpc.id, "routes": []any{}})
	wantProblem(t, problems, "routes: the laptop cloud does not know inline routes")
	lifecycle{
		token:   "aws:ec2/routeTable:RouteTable",
		inputs:  provider.Values{"vpcId": vpc.id, "tags": provider.Values{"Name": "public"}},
		unknown: []string{"arn"},
		update:  provider.Values{"tags": provider.Values{"Name": "outside"}},
		replace: []provider.Values{{"vpcId": "vpc-other"}},
	}.run(t, e)
}

func TestRoute(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	gateway := e.create("aws:ec2/internetGateway:InternetGateway", provider.Values{"vpcId": vpc.id})
	eip := e.create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	nat := e.create("aws:ec2/natGateway:NatGateway", provider.Values{"subnetId": subnet.id, "allocationId": eip.id})
	table := e.create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.id})
	lifecycle{
		token: "aws:ec2/route:Route",
		inputs: provider.Values{
			"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id,
		},
		unknown:  []string{"state", "origin"},
		want:     provider.Values{"state": "active", "origin": "CreateRoute"},
		update:   provider.Values{"gatewayId": nil, "natGatewayId": nat.id},
		replace:  []provider.Values{{"destinationCidrBlock": "10.8.0.0/16"}, {"routeTableId": "rtb-other"}},
		importID: table.id + "_0.0.0.0/0",
	}.run(t, e)
}

func TestRouteTableAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	one := e.create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.id})
	two := e.create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.id})
	lifecycle{
		token:    "aws:ec2/routeTableAssociation:RouteTableAssociation",
		inputs:   provider.Values{"subnetId": subnet.id, "routeTableId": one.id},
		update:   provider.Values{"routeTableId": two.id},
		replace:  []provider.Values{{"subnetId": "subnet-other"}},
		importID: subnet.id + "/" + one.id,
	}.run(t, e)
}

func TestVpcEndpoint(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	one := e.create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.id})
	two := e.create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.id})
	policy := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`
	lifecycle{
		token: "aws:ec2/vpcEndpoint:VpcEndpoint",
		inputs: provider.Values{
			"vpcId": vpc.id, "serviceName": "com.amazonaws.eu-central-1.s3", "routeTableIds": []string{one.id},
		},
		unknown: []string{"arn", "prefixListId", "state"},
		want:    provider.Values{"vpcEndpointType": "Gateway", "state": "available"},
		update: provider.Values{
			"routeTableIds": []string{two.id, one.id}, "policy": policy, "tags": provider.Values{"Name": "s3"},
		},
		replace: []provider.Values{{"serviceName": "com.amazonaws.eu-central-1.dynamodb"}, {"vpcId": "vpc-other"}},
	}.run(t, e)
}

func TestNatGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	subnet := newSubnet(e, newVpc(e), "10.9.1.0/24", "a")
	eip := e.create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	lifecycle{
		token:   "aws:ec2/natGateway:NatGateway",
		inputs:  provider.Values{"subnetId": subnet.id, "allocationId": eip.id},
		unknown: []string{"publicIp", "privateIp"},
		want:    provider.Values{"connectivityType": "public", "publicIp": eip.outputs["publicIp"]},
		update:  provider.Values{"tags": provider.Values{"Name": "way out"}},
		replace: []provider.Values{{"allocationId": "eipalloc-other"}, {"subnetId": "subnet-other"}},
	}.run(t, e)
}

func TestEip(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	instance := newInstance(e)
	lifecycle{
		token:   "aws:ec2/eip:Eip",
		inputs:  provider.Values{"domain": "vpc"},
		unknown: []string{"allocationId", "publicIp", "publicDns"},
		want:    provider.Values{"associationId": "", "privateDns": ""},
		update:  provider.Values{"instance": instance.id, "tags": provider.Values{"Name": "front"}},
		replace: []provider.Values{{"domain": "standard"}},
	}.run(t, e)
}

func TestEipAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	instance := newInstance(e)
	eip := e.create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	lifecycle{
		token:   "aws:ec2/eipAssociation:EipAssociation",
		inputs:  provider.Values{"allocationId": eip.id, "instanceId": instance.id},
		unknown: []string{"publicIp", "networkInterfaceId"},
		want:    provider.Values{"publicIp": eip.outputs["publicIp"]},
		replace: []provider.Values{{"instanceId": "i-other"}, {"allocationId": "eipalloc-other"}},
	}.run(t, e)
}
