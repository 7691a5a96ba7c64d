package awsprovider

import (
	"testing"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// newVpc makes a VPC for what lies in it.
func newVpc(e *providertest.Engine) *providertest.Resource {
	e.T.Helper()
	return e.Create("aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.9.0.0/16"})
}

func newSubnet(e *providertest.Engine, vpc *providertest.Resource, cidr, zone string) *providertest.Resource {
	e.T.Helper()
	return e.Create("aws:ec2/subnet:Subnet", provider.Values{
		"vpcId": vpc.ID, "cidrBlock": cidr, "availabilityZone": "eu-central-1" + zone,
	})
}

func TestVpc(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token: "aws:ec2/vpc:Vpc",
		Inputs: provider.Values{
			"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": true, "assignGeneratedIpv6CidrBlock": true,
			"tags": provider.Values{"Name": "one"},
		},
		Unknown: []string{"arn", "defaultSecurityGroupId", "ipv6CidrBlock", "mainRouteTableId"},
		Want: provider.Values{
			"enableDnsSupport": true, "tagsAll": provider.Values{"Name": "one", "stack": "test"},
		},
		Update: provider.Values{
			"enableDnsHostnames": false, "enableDnsSupport": false, "assignGeneratedIpv6CidrBlock": nil,
			"tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{{"cidrBlock": "10.1.0.0/16"}},
	}.Run(t, newEngine(t))
}

func TestSubnet(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := e.Create("aws:ec2/vpc:Vpc", provider.Values{"cidrBlock": "10.0.0.0/16", "assignGeneratedIpv6CidrBlock": true})
	block := vpc.Outputs.Str("ipv6CidrBlock")
	providertest.Lifecycle{
		Token: "aws:ec2/subnet:Subnet",
		Inputs: provider.Values{
			"vpcId": vpc.ID, "cidrBlock": "10.0.1.0/24", "availabilityZone": "eu-central-1a",
			"tags": provider.Values{"Tier": "public"},
		},
		Unknown: []string{"arn"},
		Want:    provider.Values{"mapPublicIpOnLaunch": false},
		Update: provider.Values{
			"mapPublicIpOnLaunch": true, "ipv6CidrBlock": block[:len(block)-len("/56")] + "/64",
			"assignIpv6AddressOnCreation": true,
			"tags":                        provider.Values{"Tier": "private-app"},
		},
		Replace: []provider.Values{
			{"cidrBlock": "10.0.2.0/24"}, {"availabilityZone": "eu-central-1b"}, {"vpcId": provider.Unknown{}},
		},
	}.Run(t, e)
}

func TestInternetGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	one, two := newVpc(e), newVpc(e)
	providertest.Lifecycle{
		Token:   "aws:ec2/internetGateway:InternetGateway",
		Inputs:  provider.Values{"vpcId": one.ID},
		Unknown: []string{"arn", "ownerId"},
		Update:  provider.Values{"vpcId": two.ID, "tags": provider.Values{"Name": "way out"}},
	}.Run(t, e)
}

func TestEgressOnlyInternetGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	providertest.Lifecycle{
		Token:   "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway",
		Inputs:  provider.Values{"vpcId": newVpc(e).ID},
		Update:  provider.Values{"tags": provider.Values{"Name": "way out"}},
		Replace: []provider.Values{{"vpcId": "vpc-other"}},
	}.Run(t, e)
}

func TestRouteTable(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	_, problems := e.Check("aws:ec2/routeTable:RouteTable", nil, provider.Values{"vpcId": vpc.ID, "routes": []any{}})
	providertest.WantProblem(t, problems, "routes: the laptop cloud does not support this property")
	providertest.Lifecycle{
		Token:   "aws:ec2/routeTable:RouteTable",
		Inputs:  provider.Values{"vpcId": vpc.ID, "tags": provider.Values{"Name": "public"}},
		Unknown: []string{"arn"},
		Update:  provider.Values{"tags": provider.Values{"Name": "outside"}},
		Replace: []provider.Values{{"vpcId": "vpc-other"}},
	}.Run(t, e)
}

func TestRoute(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	gateway := e.Create("aws:ec2/internetGateway:InternetGateway", provider.Values{"vpcId": vpc.ID})
	eip := e.Create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	nat := e.Create("aws:ec2/natGateway:NatGateway", provider.Values{"subnetId": subnet.ID, "allocationId": eip.ID})
	table := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	providertest.Lifecycle{
		Token: "aws:ec2/route:Route",
		Inputs: provider.Values{
			"routeTableId": table.ID, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.ID,
		},
		Unknown:  []string{"state", "origin"},
		Want:     provider.Values{"state": "active", "origin": "CreateRoute"},
		Update:   provider.Values{"gatewayId": nil, "natGatewayId": nat.ID},
		Replace:  []provider.Values{{"destinationCidrBlock": "10.8.0.0/16"}, {"routeTableId": "rtb-other"}},
		ImportID: table.ID + "_0.0.0.0/0",
	}.Run(t, e)
}

func TestRouteTableAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	subnet := newSubnet(e, vpc, "10.9.1.0/24", "a")
	one := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	two := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	providertest.Lifecycle{
		Token:    "aws:ec2/routeTableAssociation:RouteTableAssociation",
		Inputs:   provider.Values{"subnetId": subnet.ID, "routeTableId": one.ID},
		Update:   provider.Values{"routeTableId": two.ID},
		Replace:  []provider.Values{{"subnetId": "subnet-other"}},
		ImportID: subnet.ID + "/" + one.ID,
	}.Run(t, e)
}

func TestVpcEndpoint(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	one := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	two := e.Create("aws:ec2/routeTable:RouteTable", provider.Values{"vpcId": vpc.ID})
	providertest.Lifecycle{
		Token: "aws:ec2/vpcEndpoint:VpcEndpoint",
		Inputs: provider.Values{
			"vpcId": vpc.ID, "serviceName": "com.amazonaws.eu-central-1.s3", "routeTableIds": []string{one.ID},
		},
		Unknown: []string{"arn", "prefixListId", "state"},
		Want:    provider.Values{"vpcEndpointType": "Gateway", "state": "available"},
		Update: provider.Values{
			"routeTableIds": []string{two.ID, one.ID}, "tags": provider.Values{"Name": "s3"},
		},
		Replace: []provider.Values{{"serviceName": "com.amazonaws.eu-central-1.dynamodb"}, {"vpcId": "vpc-other"}},
	}.Run(t, e)
}

func TestNatGateway(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	subnet := newSubnet(e, newVpc(e), "10.9.1.0/24", "a")
	eip := e.Create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	providertest.Lifecycle{
		Token:   "aws:ec2/natGateway:NatGateway",
		Inputs:  provider.Values{"subnetId": subnet.ID, "allocationId": eip.ID},
		Unknown: []string{"publicIp", "privateIp"},
		Want:    provider.Values{"publicIp": eip.Outputs["publicIp"]},
		Update:  provider.Values{"tags": provider.Values{"Name": "way out"}},
		Replace: []provider.Values{{"allocationId": "eipalloc-other"}, {"subnetId": "subnet-other"}},
	}.Run(t, e)
}

func TestEip(t *testing.T) {
	t.Parallel()
	providertest.Lifecycle{
		Token:   "aws:ec2/eip:Eip",
		Inputs:  provider.Values{"domain": "vpc"},
		Unknown: []string{"allocationId", "publicIp", "publicDns"},
		Want:    provider.Values{"associationId": "", "privateDns": ""},
		Update:  provider.Values{"tags": provider.Values{"Name": "front"}},
		Replace: []provider.Values{{"domain": "standard"}},
	}.Run(t, newEngine(t))
}

func TestEipAssociation(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	instance := newInstance(e)
	eip := e.Create("aws:ec2/eip:Eip", provider.Values{"domain": "vpc"})
	providertest.Lifecycle{
		Token:   "aws:ec2/eipAssociation:EipAssociation",
		Inputs:  provider.Values{"allocationId": eip.ID, "instanceId": instance.ID},
		Unknown: []string{"publicIp", "networkInterfaceId"},
		Want:    provider.Values{"publicIp": eip.Outputs["publicIp"]},
		Replace: []provider.Values{{"instanceId": "i-other"}, {"allocationId": "eipalloc-other"}},
	}.Run(t, e)
}
