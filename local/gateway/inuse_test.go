package gateway

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// site is a VPC with a subnet, an internet gateway and a security group.
type site struct{ vpc, subnet, gateway, group *string }

func newSite(t *testing.T, cidr, subnetCidr string) site {
	t.Helper()
	client, ctx, name := ec2Client(), t.Context(), unique()
	vpc := ask(client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: &cidr})).must(t).Vpc.VpcId
	subnet := ask(client.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: vpc, CidrBlock: &subnetCidr, AvailabilityZone: aws.String("us-east-1a"),
	})).must(t).Subnet.SubnetId
	ask(client.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{
		SubnetId: subnet, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)},
	})).must(t)
	gateway := ask(client.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{})).must(t).
		InternetGateway.InternetGatewayId
	group := ask(client.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: &name, VpcId: vpc,
	})).must(t).GroupId
	return site{vpc, subnet, gateway, group}
}

func (s site) attach(t *testing.T) {
	t.Helper()
	ask(ec2Client().AttachInternetGateway(t.Context(),
		&ec2.AttachInternetGatewayInput{InternetGatewayId: s.gateway, VpcId: s.vpc})).must(t)
}

func (s site) launch(t *testing.T) types.Instance {
	t.Helper()
	return launched(t, func(in *ec2.RunInstancesInput) { in.SubnetId, in.SecurityGroupIds = s.subnet, []string{*s.group} })
}

// A network can only be deleted from the inside out.
func TestNetworksInUseStay(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	here, there := newSite(t, "10.1.0.0/16", "10.1.1.0/24"), newSite(t, "10.2.0.0/16", "10.2.1.0/24")
	address := ask(client.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})).must(t)
	instance := here.launch(t).InstanceId
	associate := func() error {
		_, err := client.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: address.AllocationId, InstanceId: instance})
		return err
	}
	wantCode(t, associate(), "Gateway.NotAttached", *here.vpc)
	here.attach(t)
	if err := associate(); err != nil {
		t.Fatal(err)
	}
	createNat := func() (*ec2.CreateNatGatewayOutput, error) {
		return client.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{SubnetId: here.subnet, AllocationId: address.AllocationId})
	}
	_, err := createNat()
	wantCode(t, err, "Resource.AlreadyAssociated", *address.AllocationId)
	ask(client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: here.group, IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"),
			UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: there.group}}}},
	})).must(t)
	detach := func() error {
		_, err := client.DetachInternetGateway(ctx,
			&ec2.DetachInternetGatewayInput{InternetGatewayId: here.gateway, VpcId: here.vpc})
		return err
	}
	deleteSubnet := func() error {
		_, err := client.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: here.subnet})
		return err
	}
	deleteGroup := func(group *string) error {
		_, err := client.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: group})
		return err
	}
	deleteVpc := func() error {
		_, err := client.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: here.vpc})
		return err
	}
	wantCode(t, detach(), "DependencyViolation", "mapped public address(es)")
	wantCode(t, deleteSubnet(), "DependencyViolation", *here.subnet)
	wantCode(t, deleteGroup(here.group), "DependencyViolation", *here.group)
	wantCode(t, deleteGroup(there.group), "DependencyViolation", *there.group)

	ask(client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*instance}})).must(t)
	nat := ask(createNat()).must(t).NatGateway.NatGatewayId
	_, err = createNat()
	wantCode(t, err, "Resource.AlreadyAssociated", *address.AllocationId)
	_, err = client.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: address.AllocationId})
	wantCode(t, err, "InvalidIPAddress.InUse", *address.PublicIp)
	wantCode(t, detach(), "DependencyViolation", *here.vpc)
	wantCode(t, deleteSubnet(), "DependencyViolation", *here.subnet)

	ask(client.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: nat})).must(t)
	nat = ask(createNat()).must(t).NatGateway.NatGatewayId // the address is free again
	ask(client.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: nat})).must(t)
	for _, done := range []func() error{deleteSubnet, func() error { return deleteGroup(here.group) },
		func() error { return deleteGroup(there.group) }} {
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, deleteVpc(), "DependencyViolation", *here.vpc)
	if err := detach(); err != nil {
		t.Error(err)
	}
	if err := deleteVpc(); err != nil {
		t.Error(err)
	}
}

func TestInstancesAndVolumesStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	here, there := newSite(t, "10.3.0.0/16", "10.3.1.0/24"), newSite(t, "10.4.0.0/16", "10.4.1.0/24")
	instance := here.launch(t)
	_, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: instance.ImageId, InstanceType: types.InstanceTypeT4gSmall, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		SubnetId: here.subnet, SecurityGroupIds: []string{*there.group},
	})
	wantCode(t, err, "InvalidParameter", *there.group)
	volume := ask(client.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1b"), Size: aws.Int32(20), VolumeType: types.VolumeTypeGp3,
	})).must(t).VolumeId
	_, err = client.AttachVolume(ctx, &ec2.AttachVolumeInput{
		VolumeId: volume, InstanceId: instance.InstanceId, Device: aws.String("/dev/sdf"),
	})
	wantCode(t, err, "InvalidVolume.ZoneMismatch", *volume)
	_, err = client.ModifyVolume(ctx, &ec2.ModifyVolumeInput{VolumeId: volume, Size: aws.Int32(19)})
	wantCode(t, err, "InvalidParameterValue", "smaller")
	ask(client.ModifyVolume(ctx, &ec2.ModifyVolumeInput{VolumeId: volume, Size: aws.Int32(21)})).must(t)
}

func TestIPv6BlocksInUseStay(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	vpc := ask(client.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: aws.String("10.5.0.0/16"), AmazonProvidedIpv6CidrBlock: aws.Bool(true),
	})).must(t).Vpc
	whole := vpc.Ipv6CidrBlockAssociationSet[0]
	block := *whole.Ipv6CidrBlock
	subnet := ask(client.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: vpc.VpcId, CidrBlock: aws.String("10.5.1.0/24"), Ipv6CidrBlock: aws.String(block[:len(block)-2] + "64"),
	})).must(t).Subnet
	assign := func(on bool) {
		t.Helper()
		ask(client.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{
			SubnetId: subnet.SubnetId, AssignIpv6AddressOnCreation: &types.AttributeBooleanValue{Value: &on},
		})).must(t)
	}
	part := subnet.Ipv6CidrBlockAssociationSet[0].AssociationId
	freeSubnet := func() error {
		_, err := client.DisassociateSubnetCidrBlock(ctx, &ec2.DisassociateSubnetCidrBlockInput{AssociationId: part})
		return err
	}
	freeVpc := func() error {
		_, err := client.DisassociateVpcCidrBlock(ctx, &ec2.DisassociateVpcCidrBlockInput{AssociationId: whole.AssociationId})
		return err
	}
	wantCode(t, freeVpc(), "InvalidCidrBlock.InUse", block)
	assign(true)
	wantCode(t, freeSubnet(), "InvalidCidrBlock.InUse", "assign-ipv6-address-on-creation")
	assign(false)
	instance := launched(t, func(in *ec2.RunInstancesInput) {
		in.SubnetId, in.Ipv6AddressCount = subnet.SubnetId, aws.Int32(1)
	}).InstanceId
	wantCode(t, freeSubnet(), "InvalidCidrBlock.InUse", *subnet.SubnetId)
	ask(client.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*instance}})).must(t)
	for _, free := range []func() error{freeSubnet, freeVpc} {
		if err := free(); err != nil {
			t.Error(err)
		}
	}
}

func TestDatabasesHoldWhatTheyUse(t *testing.T) {
	t.Parallel()
	client, ctx, name := rds.NewFromConfig(config()), t.Context(), unique()
	here, there := newSite(t, "10.6.0.0/16", "10.6.1.0/24"), newSite(t, "10.7.0.0/16", "10.7.1.0/24")
	newGroup := func(suffix string, s site) *string {
		return ask(client.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{
			DBSubnetGroupName: aws.String(name + suffix), DBSubnetGroupDescription: &name, SubnetIds: []string{*s.subnet},
		})).must(t).DBSubnetGroup.DBSubnetGroupName
	}
	first, same, other := newGroup("-first", here), newGroup("-same", here), newGroup("-other", there)
	parameters := ask(client.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{
		DBParameterGroupName: &name, DBParameterGroupFamily: aws.String("postgres17"), Description: &name,
	})).must(t).DBParameterGroup.DBParameterGroupName
	ask(client.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.t4g.micro"), Engine: aws.String("postgres"),
		EngineVersion: aws.String("17.5"), AllocatedStorage: aws.Int32(30), MasterUsername: aws.String("owner"),
		MasterUserPassword: aws.String("0123456789"), DBSubnetGroupName: first, DBParameterGroupName: parameters,
		VpcSecurityGroupIds: []string{*here.group},
	})).must(t)
	modify := func(change func(*rds.ModifyDBInstanceInput)) error {
		in := &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &name, ApplyImmediately: aws.Bool(true)}
		change(in)
		_, err := client.ModifyDBInstance(ctx, in)
		return err
	}
	wantCode(t, modify(func(in *rds.ModifyDBInstanceInput) { in.AllocatedStorage = aws.Int32(20) }),
		"InvalidParameterCombination", "storage")
	wantCode(t, modify(func(in *rds.ModifyDBInstanceInput) { in.EngineVersion = aws.String("16") }),
		"InvalidParameterCombination", "from 17.5 to 16")
	wantCode(t, modify(func(in *rds.ModifyDBInstanceInput) { in.DBSubnetGroupName = same }),
		"InvalidVPCNetworkStateFault", *same)
	wantCode(t, modify(func(in *rds.ModifyDBInstanceInput) { in.DBSubnetGroupName = other }),
		"InvalidParameterCombination", "different VPCs")
	wantCode(t, modify(func(in *rds.ModifyDBInstanceInput) { in.VpcSecurityGroupIds = []string{*there.group} }),
		"InvalidParameterCombination", *there.vpc)
	_, err := client.ModifyDBSubnetGroup(ctx, &rds.ModifyDBSubnetGroupInput{
		DBSubnetGroupName: first, SubnetIds: []string{*there.subnet},
	})
	wantCode(t, err, "InvalidParameterValue", "not in the same Vpc")
	_, err = client.DeleteDBSubnetGroup(ctx, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: first})
	wantCode(t, err, "InvalidDBSubnetGroupStateFault", name)
	_, err = client.DeleteDBParameterGroup(ctx, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: parameters})
	wantCode(t, err, "InvalidDBParameterGroupState", name)
	_, err = ec2Client().DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: here.subnet})
	wantCode(t, err, "DependencyViolation", *here.subnet)
	_, err = ec2Client().DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: here.group})
	wantCode(t, err, "DependencyViolation", *here.group)

	if err := modify(func(in *rds.ModifyDBInstanceInput) {
		in.DBSubnetGroupName, in.VpcSecurityGroupIds = other, []string{*there.group}
	}); err != nil {
		t.Fatal(err)
	}
	if _, err = client.DeleteDBSubnetGroup(ctx, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: first}); err != nil {
		t.Errorf("after the move: %v", err)
	}
	if _, err = ec2Client().DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: here.subnet}); err != nil {
		t.Errorf("after the move: %v", err)
	}
}
