package awsprovider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"webstack/local/provider"
)

func (c *clients) getAmi() provider.Function {
	return provider.Function{
		Args: map[string]provider.Prop{
			"owners":            {Check: checkOwners},
			"filters":           filterProp,
			"mostRecent":        {Default: false},
			"nameRegex":         {Check: checkRegex},
			"executableUsers":   {},
			"includeDeprecated": {Default: false},
		},
		Call: c.findAmi,
	}
}

func checkOwners(value any) string {
	list, _ := value.([]any)
	if len(list) == 0 || slices.Contains(list, any("")) {
		return "must be a list of at least one owner, none of them empty"
	}
	return ""
}

func checkRegex(value any) string {
	text, _ := value.(string)
	if _, err := regexp.Compile(text); err != nil {
		return fmt.Sprintf("must be a regular expression: %v", err)
	}
	return ""
}

// findAmi returns the one image that matches, or the newest if the program wants that.
func (c *clients) findAmi(ctx context.Context, args provider.Values) (provider.Values, error) {
	images, err := c.matchingImages(ctx, args)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, errors.New("find a machine image: no image matches; change the search criteria")
	}
	if len(images) > 1 && !args.Bool("mostRecent") {
		return nil, fmt.Errorf("find a machine image: %d images match; narrow the search or set mostRecent", len(images))
	}
	newest := slices.MaxFunc(images, func(a, b types.Image) int {
		return cmp.Compare(aws.ToString(a.CreationDate), aws.ToString(b.CreationDate))
	})
	return echo(args, c.imageValues(newest)), nil
}

func (c *clients) matchingImages(ctx context.Context, args provider.Values) ([]types.Image, error) {
	pattern, err := regexp.Compile(args.Str("nameRegex"))
	if err != nil {
		return nil, err
	}
	var out []types.Image
	pages := ec2.NewDescribeImagesPaginator(c.ec2, &ec2.DescribeImagesInput{
		Owners: args.Strs("owners"), Filters: givenFilters(args), ExecutableUsers: args.Strs("executableUsers"),
		IncludeDeprecated: optionalBool(args, "includeDeprecated"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, image := range page.Images {
			if pattern.MatchString(aws.ToString(image.Name)) {
				out = append(out, image)
			}
		}
	}
	return out, nil
}

func (c *clients) imageValues(image types.Image) provider.Values {
	id := aws.ToString(image.ImageId)
	out := provider.Values{
		"id": id, "imageId": id, "arn": fmt.Sprintf("arn:%s:ec2:%s::image/%s", c.partition, c.region, id),
		"name": image.Name, "description": aws.ToString(image.Description), "ownerId": image.OwnerId,
		"architecture": image.Architecture, "creationDate": image.CreationDate, "imageLocation": image.ImageLocation,
		"imageType": image.ImageType, "hypervisor": image.Hypervisor, "virtualizationType": image.VirtualizationType,
		"rootDeviceName": image.RootDeviceName, "rootDeviceType": image.RootDeviceType, "rootSnapshotId": "",
		"state": image.State, "public": aws.ToBool(image.Public), "enaSupport": aws.ToBool(image.EnaSupport),
		"imdsSupport": image.ImdsSupport, "bootMode": image.BootMode, "platformDetails": aws.ToString(image.PlatformDetails),
		"tags": fromEC2Tags(image.Tags),
	}
	mappings := []provider.Values{}
	for _, mapping := range image.BlockDeviceMappings {
		ebs := map[string]string{}
		if device := mapping.Ebs; device != nil {
			ebs = map[string]string{
				"delete_on_termination": fmt.Sprint(aws.ToBool(device.DeleteOnTermination)),
				"encrypted":             fmt.Sprint(aws.ToBool(device.Encrypted)),
				"iops":                  fmt.Sprint(aws.ToInt32(device.Iops)), "snapshot_id": aws.ToString(device.SnapshotId),
				"throughput":  fmt.Sprint(aws.ToInt32(device.Throughput)),
				"volume_size": fmt.Sprint(aws.ToInt32(device.VolumeSize)), "volume_type": string(device.VolumeType),
			}
			if aws.ToString(mapping.DeviceName) == aws.ToString(image.RootDeviceName) {
				out["rootSnapshotId"] = aws.ToString(device.SnapshotId)
			}
		}
		mappings = append(mappings, provider.Values{
			"deviceName": aws.ToString(mapping.DeviceName), "ebs": ebs, "noDevice": aws.ToString(mapping.NoDevice),
			"virtualName": aws.ToString(mapping.VirtualName),
		})
	}
	out["blockDeviceMappings"] = mappings
	return out
}
