package gateway

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestInstanceReadsBackAsLaunched(t *testing.T) {
	t.Parallel()
	client, ctx, name := ec2Client(), t.Context(), unique()
	_, err := iam.NewFromConfig(config()).CreateInstanceProfile(ctx,
		&iam.CreateInstanceProfileInput{InstanceProfileName: &name})
	if err != nil {
		t.Fatal(err)
	}
	data := base64.StdEncoding.EncodeToString([]byte("#!/bin/bash\n"))
	instance := launched(t, func(in *ec2.RunInstancesInput) {
		in.UserData = &data
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: &name}
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")}
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1),
			HttpEndpoint: types.InstanceMetadataEndpointStateEnabled}
		in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{
			VolumeSize: aws.Int32(16), VolumeType: types.VolumeTypeGp3, Encrypted: aws.Bool(true),
			DeleteOnTermination: aws.Bool(true)}}}
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{
			{Key: aws.String("webstack:stack"), Value: aws.String("webstack/test")}}}}
	})
	id := instance.InstanceId
	for what, got := range map[string]types.Instance{"launched": instance, "described": described(t, id)} {
		if got.Architecture != types.ArchitectureValuesArm64 || *got.RootDeviceName != "/dev/sda1" ||
			*got.MetadataOptions.HttpPutResponseHopLimit != 1 || got.IamInstanceProfile == nil || len(got.Tags) != 1 ||
			len(got.BlockDeviceMappings) != 1 || !*got.BlockDeviceMappings[0].Ebs.DeleteOnTermination {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := userData(t, id); got != data {
		t.Errorf("user data: %q", got)
	}
	volumes := ask(client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{
		Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{*id}}}})).must(t).Volumes
	if len(volumes) != 1 || !*volumes[0].Encrypted {
		t.Errorf("volumes: %+v", volumes)
	}
}

func userData(t *testing.T, id *string) string {
	t.Helper()
	out := ask(ec2Client().DescribeInstanceAttribute(t.Context(),
		&ec2.DescribeInstanceAttributeInput{InstanceId: id, Attribute: types.InstanceAttributeNameUserData})).must(t)
	return aws.ToString(out.UserData.Value)
}

func TestInstanceIsChanged(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	id := launched(t, func(in *ec2.RunInstancesInput) {
		in.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")}
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(1),
			HttpEndpoint:         types.InstanceMetadataEndpointStateEnabled,
			InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled}
	}).InstanceId
	ask(client.ModifyInstanceMetadataOptions(ctx,
		&ec2.ModifyInstanceMetadataOptionsInput{InstanceId: id, HttpPutResponseHopLimit: aws.Int32(2)})).must(t)
	out := ask(client.ModifyInstanceCreditSpecification(ctx,
		&ec2.ModifyInstanceCreditSpecificationInput{InstanceCreditSpecifications: []types.InstanceCreditSpecificationRequest{
			{InstanceId: id, CpuCredits: aws.String("standard")}}})).must(t)
	if len(out.SuccessfulInstanceCreditSpecifications) != 1 {
		t.Errorf("credits: %+v", out)
	}
	got := described(t, id)
	if got.MetadataOptions.HttpTokens != types.HttpTokensStateRequired ||
		*got.MetadataOptions.HttpPutResponseHopLimit != 2 ||
		got.MetadataOptions.InstanceMetadataTags != types.InstanceMetadataTagsStateEnabled {
		t.Errorf("metadata %+v", got.MetadataOptions)
	}
}

func TestUserDataIsChangedWhileStopped(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	id := launched(t, nil).InstanceId
	change := &ec2.ModifyInstanceAttributeInput{InstanceId: id,
		UserData: &types.SecureBlobAttributeValue{Value: []byte("#!/bin/sh\n")}}
	_, err := client.ModifyInstanceAttribute(ctx, change)
	wantCode(t, err, "IncorrectInstanceState", *id)
	ask(client.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{*id}})).must(t)
	ask(client.ModifyInstanceAttribute(ctx, change)).must(t)
	if got := userData(t, id); got != base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")) {
		t.Errorf("user data: %q", got)
	}
}

func TestInstancesThatDoNotExist(t *testing.T) {
	t.Parallel()
	client, ctx, none := ec2Client(), t.Context(), aws.String("i-0123456789abcdef0")
	_, err := client.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: none})
	wantCode(t, err, "InvalidInstanceID.NotFound", *none)
	_, err = client.RunInstances(ctx, &ec2.RunInstancesInput{ImageId: aws.String("ami-0123456789abcdef0"),
		InstanceType: types.InstanceTypeT4gSmall, MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	wantCode(t, err, "InvalidAMIID.NotFound", "ami-0123456789abcdef0")
}

func TestALaunchIsNotRepeated(t *testing.T) {
	t.Parallel()
	token := unique()
	again := func(in *ec2.RunInstancesInput) { in.ClientToken = &token }
	first, second := launched(t, again), launched(t, again)
	if *first.InstanceId != *second.InstanceId {
		t.Errorf("launched %s and %s", *first.InstanceId, *second.InstanceId)
	}
	if other := launched(t, nil); *other.InstanceId == *first.InstanceId {
		t.Error("a launch of its own gave the same instance")
	}
	_, err := ec2Client().RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: first.ImageId, InstanceType: types.InstanceTypeT4gMicro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ClientToken: &token})
	wantCode(t, err, "IdempotentParameterMismatch", token)
}

func TestSecurityGroupRulesKeepTheirDescription(t *testing.T) {
	t.Parallel()
	client, ctx, name := ec2Client(), t.Context(), unique()
	group := ask(client.CreateSecurityGroup(ctx,
		&ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name})).must(t).GroupId
	permission := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(5432), ToPort: aws.Int32(5432),
		UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: group, Description: aws.String("apps & <tools>")}}}
	made := ask(client.AuthorizeSecurityGroupIngress(ctx,
		&ec2.AuthorizeSecurityGroupIngressInput{GroupId: group,
			IpPermissions: []types.IpPermission{permission}})).must(t).SecurityGroupRules[0]
	description := func() string {
		out := ask(client.DescribeSecurityGroupRules(ctx,
			&ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{*made.SecurityGroupRuleId}})).must(t)
		return aws.ToString(out.SecurityGroupRules[0].Description)
	}
	if got := description(); got != "apps & <tools>" || aws.ToString(made.Description) != got {
		t.Errorf("descriptions %q and %q", got, aws.ToString(made.Description))
	}
	ask(client.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{
		GroupId: group, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: made.SecurityGroupRuleId,
			SecurityGroupRule: &types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(5432),
				ToPort:            aws.Int32(5432),
				ReferencedGroupId: group, Description: aws.String("apps")}}}})).must(t)
	if got := description(); got != "apps" {
		t.Errorf("changed: %q", got)
	}
}

func TestSubnetsAreSpelledAsOnAWS(t *testing.T) {
	t.Parallel()
	client, ctx := ec2Client(), t.Context()
	vpc := ask(client.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: aws.String("10.99.0.0/16"), AmazonProvidedIpv6CidrBlock: aws.Bool(true)})).must(t).Vpc
	block := (*vpc.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock)
	subnet := ask(client.CreateSubnet(ctx, &ec2.CreateSubnetInput{
		VpcId: vpc.VpcId, CidrBlock: aws.String("10.99.0.0/24"),
		Ipv6CidrBlock: aws.String(block[:len(block)-2] + "64")})).must(t).Subnet
	got := subnet.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlockState.State
	if got != types.SubnetCidrBlockStateCodeAssociated {
		t.Errorf("state of the IPv6 block: %q", got)
	}
}
