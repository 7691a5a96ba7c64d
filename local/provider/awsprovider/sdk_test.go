package awsprovider

import (
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ebs"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"

	"webstack/local/provider/providertest"
)

// sdkTypes are the types of the SDK by token.
var sdkTypes = map[string]providertest.SDKType{
	"aws:ecr/lifecyclePolicy:LifecyclePolicy": {ecr.LifecyclePolicyArgs{}, ecr.LifecyclePolicyState{}},
	"aws:ecr/repository:Repository":           {ecr.RepositoryArgs{}, ecr.RepositoryState{}},
	"aws:iam/instanceProfile:InstanceProfile": {iam.InstanceProfileArgs{}, iam.InstanceProfileState{}},
	"aws:iam/openIdConnectProvider:OpenIdConnectProvider": {
		iam.OpenIdConnectProviderArgs{}, iam.OpenIdConnectProviderState{}},
	"aws:iam/policy:Policy":         {iam.PolicyArgs{}, iam.PolicyState{}},
	"aws:iam/role:Role":             {iam.RoleArgs{}, iam.RoleState{}},
	"aws:iam/rolePolicy:RolePolicy": {iam.RolePolicyArgs{}, iam.RolePolicyState{}},
	"aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
		iam.RolePolicyAttachmentArgs{}, iam.RolePolicyAttachmentState{}},
	"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2": {
		s3.BucketLifecycleConfigurationV2Args{}, s3.BucketLifecycleConfigurationV2State{}},
	"aws:s3/bucketObjectv2:BucketObjectv2": {s3.BucketObjectv2Args{}, s3.BucketObjectv2State{}},
	"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
		s3.BucketOwnershipControlsArgs{}, s3.BucketOwnershipControlsState{}},
	"aws:s3/bucketPolicy:BucketPolicy": {s3.BucketPolicyArgs{}, s3.BucketPolicyState{}},
	"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
		s3.BucketPublicAccessBlockArgs{}, s3.BucketPublicAccessBlockState{}},
	"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
		s3.BucketServerSideEncryptionConfigurationV2Args{}, s3.BucketServerSideEncryptionConfigurationV2State{}},
	"aws:s3/bucketV2:BucketV2":                     {s3.BucketV2Args{}, s3.BucketV2State{}},
	"aws:s3/bucketVersioningV2:BucketVersioningV2": {s3.BucketVersioningV2Args{}, s3.BucketVersioningV2State{}},
	"aws:ssm/association:Association":              {ssm.AssociationArgs{}, ssm.AssociationState{}},
	"aws:ssm/document:Document":                    {ssm.DocumentArgs{}, ssm.DocumentState{}},
	"aws:ssm/parameter:Parameter":                  {ssm.ParameterArgs{}, ssm.ParameterState{}},
	"aws:ebs/volume:Volume":                        {ebs.VolumeArgs{}, ebs.VolumeState{}},
	"aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
		ec2.DefaultSecurityGroupArgs{}, ec2.DefaultSecurityGroupState{}},
	"aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": {
		ec2.EgressOnlyInternetGatewayArgs{}, ec2.EgressOnlyInternetGatewayState{}},
	"aws:ec2/eip:Eip":                         {ec2.EipArgs{}, ec2.EipState{}},
	"aws:ec2/eipAssociation:EipAssociation":   {ec2.EipAssociationArgs{}, ec2.EipAssociationState{}},
	"aws:ec2/instance:Instance":               {ec2.InstanceArgs{}, ec2.InstanceState{}},
	"aws:ec2/internetGateway:InternetGateway": {ec2.InternetGatewayArgs{}, ec2.InternetGatewayState{}},
	"aws:ec2/natGateway:NatGateway":           {ec2.NatGatewayArgs{}, ec2.NatGatewayState{}},
	"aws:ec2/route:Route":                     {ec2.RouteArgs{}, ec2.RouteState{}},
	"aws:ec2/routeTable:RouteTable":           {ec2.RouteTableArgs{}, ec2.RouteTableState{}},
	"aws:ec2/routeTableAssociation:RouteTableAssociation": {
		ec2.RouteTableAssociationArgs{}, ec2.RouteTableAssociationState{}},
	"aws:ec2/securityGroup:SecurityGroup":       {ec2.SecurityGroupArgs{}, ec2.SecurityGroupState{}},
	"aws:ec2/subnet:Subnet":                     {ec2.SubnetArgs{}, ec2.SubnetState{}},
	"aws:ec2/volumeAttachment:VolumeAttachment": {ec2.VolumeAttachmentArgs{}, ec2.VolumeAttachmentState{}},
	"aws:ec2/vpc:Vpc":                           {ec2.VpcArgs{}, ec2.VpcState{}},
	"aws:ec2/vpcEndpoint:VpcEndpoint":           {ec2.VpcEndpointArgs{}, ec2.VpcEndpointState{}},
	"aws:kms/alias:Alias":                       {kms.AliasArgs{}, kms.AliasState{}},
	"aws:kms/key:Key":                           {kms.KeyArgs{}, kms.KeyState{}},
	"aws:rds/instance:Instance":                 {rds.InstanceArgs{}, rds.InstanceState{}},
	"aws:rds/parameterGroup:ParameterGroup":     {rds.ParameterGroupArgs{}, rds.ParameterGroupState{}},
	"aws:rds/subnetGroup:SubnetGroup":           {rds.SubnetGroupArgs{}, rds.SubnetGroupState{}},
	"aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {
		vpc.SecurityGroupEgressRuleArgs{}, vpc.SecurityGroupEgressRuleState{}},
	"aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
		vpc.SecurityGroupIngressRuleArgs{}, vpc.SecurityGroupIngressRuleState{}},
}

// TestPropertiesAreThoseOfTheSDK keeps the descriptions to the names that a program can use.
func TestPropertiesAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	providertest.CheckTypes(t, resourceTypes(&clients{}), sdkTypes)
}

// sdkFunctions are the arguments and results of the SDK's functions by token.
var sdkFunctions = map[string]providertest.SDKFunction{
	"aws:ssm/getParameter:getParameter": {ssm.LookupParameterArgs{}, ssm.LookupParameterResult{}},
	"aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
		ec2.GetInstanceTypeOfferingsArgs{}, ec2.GetInstanceTypeOfferingsResult{}},
	"aws:index/getAvailabilityZones:getAvailabilityZones": {
		aws.GetAvailabilityZonesArgs{}, aws.GetAvailabilityZonesResult{}},
	"aws:index/getCallerIdentity:getCallerIdentity": {aws.GetCallerIdentityArgs{}, aws.GetCallerIdentityResult{}},
}

func TestArgumentsAreThoseOfTheSDK(t *testing.T) {
	t.Parallel()
	providertest.CheckFunctions(t, functions(&clients{}), sdkFunctions)
}
