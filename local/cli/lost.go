package cli

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/local/cloud"
)

// lostHost names the host that is in the state but no longer in the account, as after aws ec2 terminate-instances; ""
// if there is none. Pulumi finds out only if it is told to look.
func lostHost(ctx context.Context, info cloud.Info, resources []apitype.ResourceV3) (string, error) {
	for _, r := range resources {
		if r.Type != "aws:ec2/instance:Instance" || r.ID == "" || r.Delete {
			continue
		}
		text, _ := r.Outputs["arn"].(string)
		place, err := arn.Parse(text)
		if err != nil {
			continue // left by an interrupted run, which is refreshed anyway
		}
		client := ec2.New(ec2.Options{
			Region: place.Region, BaseEndpoint: aws.String(info.AWSEndpoint()), Credentials: info.Credentials(),
		})
		found, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{
			{Name: aws.String("instance-id"), Values: []string{string(r.ID)}},
			{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "stopping", "stopped"}},
		}})
		if err != nil {
			return "", fmt.Errorf("look for the host %s: %w", r.ID, err)
		}
		if len(found.Reservations) == 0 {
			return "Host " + string(r.ID), nil
		}
	}
	return "", nil
}
