package awsprovider

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

// profilePatience is how long it may take until EC2 knows a new instance profile.
const profilePatience = 2 * time.Minute

func (c *clients) instance() provider.Type {
	fixed := provider.Prop{Computed: true, Replace: true}
	output := provider.Prop{Output: true}
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"ami": fixed, "subnetId": fixed,
			"instanceType":        {Computed: true},
			"iamInstanceProfile":  {Computed: true},
			"ipv6AddressCount":    {Computed: true},
			"vpcSecurityGroupIds": {Computed: true, Set: true},
			"userData":            {Computed: true, InputOnly: true, Check: checkLength(16384)},
			"rootBlockDevice":     {Computed: true, Fields: rootBlockDevice},
			"metadataOptions":     {Computed: true, Fields: metadataOptions},
			"creditSpecification": creditSpecification,
			"maintenanceOptions":  maintenanceOptions,
			"arn":                 output, "availabilityZone": output, "instanceState": output, "ipv6Addresses": output,
			"primaryNetworkInterfaceId": output, "privateIp": output, "publicIp": output, "publicDns": output,
			"privateDns": output,
		}),
		Validate: func(in provider.Values) []string {
			return append(oneNeeded(in, "ami"), oneNeeded(in, "instanceType")...)
		},
		Replaces: c.instanceReplaces,
		Create:   c.createInstance,
		Read:     c.readInstance,
		Update:   c.updateInstance,
		Delete:   c.deleteInstance,
		Recomputed: func(changed func(...string) bool) []string {
			if changed("instanceType", "userData") {
				return []string{"publicIp", "publicDns"} // stopped and started in between
			}
			return nil
		},
	}
}

// rootBlockDevice and the tables below describe the nested objects of an instance.
var (
	rootBlockDevice = map[string]provider.Prop{
		"volumeSize": {Computed: true},
		"volumeType": {Computed: true, Check: checkOneOf("standard", "gp2", "gp3", "io1", "io2", "sc1", "st1")},
		"encrypted":  {Computed: true, Replace: true},
		"tags":       {Computed: true},
		"deviceName": {Output: true}, "volumeId": {Output: true},
	}
	metadataOptions = map[string]provider.Prop{
		"httpEndpoint":            {Computed: true, Check: checkOneOf("enabled", "disabled")},
		"httpTokens":              {Computed: true, Check: checkOneOf("optional", "required")},
		"httpProtocolIpv6":        {Computed: true, Check: checkOneOf("enabled", "disabled")},
		"instanceMetadataTags":    {Computed: true, Check: checkOneOf("enabled", "disabled")},
		"httpPutResponseHopLimit": {Computed: true, Check: checkRange(1, 64)},
	}
	// The emulated account keeps neither CPU credits nor recovery, so these two are stored as the program says.
	creditSpecification = provider.Prop{Computed: true, InputOnly: true, Fields: map[string]provider.Prop{
		"cpuCredits": {Check: checkOneOf("standard")},
	}}
	maintenanceOptions = provider.Prop{Computed: true, InputOnly: true, Fields: map[string]provider.Prop{
		"autoRecovery": {Check: checkOneOf("default")},
	}}
)

// instanceReplaces handles the change that replaces an instance only under a condition.
func (c *clients) instanceReplaces(ctx context.Context, old, news provider.Values) []string {
	from, to := old.Str("instanceType"), news.Str("instanceType")
	if from != to && from != "" && to != "" && !c.shareArchitecture(ctx, from, to) {
		return []string{"instanceType"}
	}
	return nil
}

// shareArchitecture reports whether a machine image can run on both instance types. If AWS cannot tell, it returns
// true.
func (c *clients) shareArchitecture(ctx context.Context, one, other string) bool {
	found, err := c.ec2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
		InstanceTypes: []types.InstanceType{types.InstanceType(one), types.InstanceType(other)},
	})
	if err != nil || len(found.InstanceTypes) != 2 {
		return true
	}
	left, right := found.InstanceTypes[0].ProcessorInfo, found.InstanceTypes[1].ProcessorInfo
	if left == nil || right == nil {
		return true
	}
	return slices.ContainsFunc(left.SupportedArchitectures, func(architecture types.ArchitectureType) bool {
		return slices.Contains(right.SupportedArchitectures, architecture)
	})
}

func (c *clients) createInstance(ctx context.Context, in provider.Values) (string, error) {
	request, err := c.runInstancesInput(ctx, in)
	if err != nil {
		return "", err
	}
	var id string
	err = retrying(ctx, profilePatience, func() error {
		out, err := c.ec2.RunInstances(ctx, request)
		if err != nil {
			return err
		}
		instance, err := first(out.Instances)
		id = aws.ToString(instance.InstanceId)
		return err
	}, "InvalidIamInstanceProfileName.NotFound")
	if err != nil {
		return id, err
	}
	return id, c.untilInstance(ctx, id, types.InstanceStateNameRunning)
}

func (c *clients) runInstancesInput(ctx context.Context, in provider.Values) (*ec2.RunInstancesInput, error) {
	request := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ImageId: optional(in, "ami"), InstanceType: types.InstanceType(in.Str("instanceType")),
		SubnetId: optional(in, "subnetId"), SecurityGroupIds: in.Strs("vpcSecurityGroupIds"),
		Ipv6AddressCount:  optionalInt(in, "ipv6AddressCount"),
		TagSpecifications: ec2TagSpec(types.ResourceTypeInstance, in),
	}
	if data := in.Str("userData"); data != "" {
		request.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(data)))
	}
	if profile := optional(in, "iamInstanceProfile"); profile != nil {
		request.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: profile}
	}
	if options := in.Object("metadataOptions"); options != nil {
		request.MetadataOptions = &types.InstanceMetadataOptionsRequest{
			HttpEndpoint:            types.InstanceMetadataEndpointState(options.Str("httpEndpoint")),
			HttpTokens:              types.HttpTokensState(options.Str("httpTokens")),
			HttpProtocolIpv6:        types.InstanceMetadataProtocolState(options.Str("httpProtocolIpv6")),
			InstanceMetadataTags:    types.InstanceMetadataTagsState(options.Str("instanceMetadataTags")),
			HttpPutResponseHopLimit: optionalInt(options, "httpPutResponseHopLimit"),
		}
	}
	if credits := in.Object("creditSpecification"); credits != nil {
		request.CreditSpecification = &types.CreditSpecificationRequest{CpuCredits: optional(credits, "cpuCredits")}
	}
	if options := in.Object("maintenanceOptions"); options != nil {
		request.MaintenanceOptions = &types.InstanceMaintenanceOptionsRequest{
			AutoRecovery: types.InstanceAutoRecoveryState(options.Str("autoRecovery")),
		}
	}
	if tags := ec2Tags(in.Object("rootBlockDevice").StrMap("tags")); len(tags) > 0 {
		request.TagSpecifications = append(request.TagSpecifications,
			types.TagSpecification{ResourceType: types.ResourceTypeVolume, Tags: tags})
	}
	return request, c.addRootVolume(ctx, request, in)
}

// addRootVolume overlays the image's settings of the root volume with the program's.
func (c *clients) addRootVolume(ctx context.Context, request *ec2.RunInstancesInput, in provider.Values) error {
	root := in.Object("rootBlockDevice")
	if root == nil {
		return nil
	}
	found, err := c.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{in.Str("ami")}})
	if err != nil {
		return err
	}
	image, err := first(found.Images)
	if err != nil {
		return err
	}
	device := &types.EbsBlockDevice{
		VolumeSize: optionalInt(root, "volumeSize"), VolumeType: types.VolumeType(root.Str("volumeType")),
		Encrypted: optionalBool(root, "encrypted"), DeleteOnTermination: aws.Bool(true),
	}
	for _, mapping := range image.BlockDeviceMappings {
		if mapping.Ebs != nil && aws.ToString(mapping.DeviceName) == aws.ToString(image.RootDeviceName) &&
			device.VolumeSize == nil {
			device.VolumeSize = mapping.Ebs.VolumeSize
		}
	}
	request.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: image.RootDeviceName, Ebs: device}}
	return nil
}

func (c *clients) deleteInstance(ctx context.Context, id string, _ provider.Values) error {
	return deleted(ctx, id, func() error {
		_, err := c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		return err
	}, c.describeInstance, "InvalidInstanceID.NotFound")
}
