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
	computed, fixed := provider.Prop{Computed: true}, provider.Prop{Computed: true, Replace: true}
	output := provider.Prop{Output: true}
	return provider.Type{
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"ami": fixed, "availabilityZone": fixed, "subnetId": fixed, "privateIp": fixed, "keyName": fixed,
			"ebsOptimized": fixed, "associatePublicIpAddress": fixed,
			"instanceType": computed, "iamInstanceProfile": computed, "monitoring": computed,
			"disableApiTermination": computed, "disableApiStop": computed, "ipv6AddressCount": computed,
			"instanceInitiatedShutdownBehavior": computed,
			"ipv6Addresses":                     {Computed: true, Replace: true},
			"vpcSecurityGroupIds":               {Computed: true, Set: true},
			"sourceDestCheck":                   {Default: true},
			"userData":                          {Computed: true, InputOnly: true, Check: checkLength(16384)},
			"userDataReplaceOnChange":           {Default: false, InputOnly: true},
			"rootBlockDevice":                   {Computed: true, Fields: rootBlockDevice},
			"metadataOptions":                   {Computed: true, Fields: metadataOptions},
			"creditSpecification":               creditSpecification,
			"maintenanceOptions":                maintenanceOptions,
			"volumeTags":                        {Computed: true},
			"arn":                               output, "instanceState": output, "primaryNetworkInterfaceId": output,
			"publicIp": output, "publicDns": output, "privateDns": output,
		}),
		Validate: func(in provider.Values) []string {
			problems := append(oneNeeded(in, "ami"), oneNeeded(in, "instanceType")...)
			if in["volumeTags"] != nil && in.Object("rootBlockDevice")["tags"] != nil {
				problems = append(problems, "set only one of volumeTags, rootBlockDevice.tags")
			}
			return append(problems, conflicts(in, "ipv6AddressCount", "ipv6Addresses")...)
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
		"volumeSize": {Computed: true}, "deleteOnTermination": {Computed: true},
		"volumeType": {Computed: true, Check: checkOneOf("standard", "gp2", "gp3", "io1", "io2", "sc1", "st1")},
		"encrypted":  {Computed: true, Replace: true},
		"kmsKeyId":   {Computed: true, Replace: true, Check: checkARN},
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
		"cpuCredits": {Check: checkOneOf("standard", "unlimited")},
	}}
	maintenanceOptions = provider.Prop{Computed: true, InputOnly: true, Fields: map[string]provider.Prop{
		"autoRecovery": {Check: checkOneOf("default", "disabled")},
	}}
)

// instanceReplaces handles the two changes that replace an instance only under a condition.
func (c *clients) instanceReplaces(ctx context.Context, old, news provider.Values) []string {
	var out []string
	if news.Bool("userDataReplaceOnChange") {
		out = append(out, "userData")
	}
	if from, to := old.Str("instanceType"), news.Str("instanceType"); from != to && from != "" && to != "" {
		if !c.shareArchitecture(ctx, from, to) {
			out = append(out, "instanceType")
		}
	}
	return out
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
	if err := c.untilInstance(ctx, id, types.InstanceStateNameRunning); err != nil {
		return id, err
	}
	if !in.Bool("sourceDestCheck") {
		if err := c.setSourceDestCheck(ctx, id, false); err != nil {
			return id, err
		}
	}
	return id, c.protectInstance(ctx, id, in, func(key string) bool { return in.Bool(key) })
}

func (c *clients) runInstancesInput(ctx context.Context, in provider.Values) (*ec2.RunInstancesInput, error) {
	request := &ec2.RunInstancesInput{
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ImageId: optional(in, "ami"), InstanceType: types.InstanceType(in.Str("instanceType")),
		KeyName: optional(in, "keyName"), EbsOptimized: optionalBool(in, "ebsOptimized"),
		DisableApiTermination:             optionalBool(in, "disableApiTermination"),
		DisableApiStop:                    optionalBool(in, "disableApiStop"),
		InstanceInitiatedShutdownBehavior: types.ShutdownBehavior(in.Str("instanceInitiatedShutdownBehavior")),
		TagSpecifications:                 ec2TagSpec(types.ResourceTypeInstance, in),
	}
	if data := in.Str("userData"); data != "" {
		request.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(data)))
	}
	if profile := optional(in, "iamInstanceProfile"); profile != nil {
		request.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: profile}
	}
	if in.Has("monitoring") {
		request.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(in.Bool("monitoring"))}
	}
	if zone := optional(in, "availabilityZone"); zone != nil {
		request.Placement = &types.Placement{AvailabilityZone: zone}
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
	if tags := ec2Tags(rootTags(in)); len(tags) > 0 {
		request.TagSpecifications = append(request.TagSpecifications,
			types.TagSpecification{ResourceType: types.ResourceTypeVolume, Tags: tags})
	}
	placeInstance(request, in)
	return request, c.addRootVolume(ctx, request, in)
}

// rootTags returns the tags that the program gives the root volume, in either of the two places for them.
func rootTags(in provider.Values) map[string]string {
	if in["volumeTags"] != nil {
		return in.StrMap("volumeTags")
	}
	return in.Object("rootBlockDevice").StrMap("tags")
}

// placeInstance puts the instance into its subnet. Whether it gets a public address can only be set on an interface.
func placeInstance(request *ec2.RunInstancesInput, in provider.Values) {
	var addresses []types.InstanceIpv6Address
	for _, address := range in.Strs("ipv6Addresses") {
		addresses = append(addresses, types.InstanceIpv6Address{Ipv6Address: aws.String(address)})
	}
	if !in.Has("associatePublicIpAddress") {
		request.SubnetId, request.PrivateIpAddress = optional(in, "subnetId"), optional(in, "privateIp")
		request.SecurityGroupIds = in.Strs("vpcSecurityGroupIds")
		request.Ipv6AddressCount, request.Ipv6Addresses = optionalInt(in, "ipv6AddressCount"), addresses
		return
	}
	request.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
		DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(in.Bool("associatePublicIpAddress")),
		SubnetId: optional(in, "subnetId"), PrivateIpAddress: optional(in, "privateIp"),
		Groups: in.Strs("vpcSecurityGroupIds"), Ipv6AddressCount: optionalInt(in, "ipv6AddressCount"),
		Ipv6Addresses: addresses, DeleteOnTermination: aws.Bool(true),
	}}
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
		Encrypted: optionalBool(root, "encrypted"), KmsKeyId: optional(root, "kmsKeyId"),
		DeleteOnTermination: aws.Bool(root["deleteOnTermination"] == nil || root.Bool("deleteOnTermination")),
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

// deleteInstance first removes the termination protection, as the real provider does.
func (c *clients) deleteInstance(ctx context.Context, id string, state provider.Values) error {
	if state.Bool("disableApiTermination") {
		unprotected := provider.Values{"disableApiTermination": false}
		err := c.protectInstance(ctx, id, unprotected, func(key string) bool { return key == "disableApiTermination" })
		if err != nil {
			return unlessGone(err, "InvalidInstanceID.NotFound")
		}
	}
	return deleted(ctx, id, func() error {
		_, err := c.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		return err
	}, c.describeInstance, "InvalidInstanceID.NotFound")
}
