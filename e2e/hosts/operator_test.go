package hosts

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/e2e/browser"
	"webstack/e2e/lab"
)

var shownURL = regexp.MustCompile(`open (https://blog\.localhost(?::\d+)?)`)

// browserShowsPage opens the address in the summary, using only the computer's resolver.
func browserShowsPage(t *testing.T, c *lab.Clone) {
	summary := c.MustLaptop("status")
	found := shownURL.FindStringSubmatch(summary)
	if found == nil {
		t.Fatalf("the summary does not say where to open an app:\n%s", summary)
	}
	browser.Demo{URL: found[1] + "/", Title: "Our blog", Guestbook: true}.Check(t)
}

func shellOpens(t *testing.T, c *lab.Clone) {
	out, err := c.Webstack("shell", "-s", lab.Stack, "--", "sudo", "docker", "version", "--format", "{{.Server.Version}}")
	if err != nil || !regexp.MustCompile(`(?m)^\d+\.\d+`).MatchString(out) {
		t.Errorf("webstack shell: %v\n%s", err, out)
	}
	out, err = c.Webstack("logs", "shop", "-s", lab.Stack, "--lines", "5")
	if err != nil || strings.TrimSpace(out) == "" {
		t.Errorf("webstack logs: %v\n%s", err, out)
	}
	out, err = c.Webstack("status", "-s", lab.Stack)
	if err != nil || !strings.Contains(out, shop) {
		t.Errorf("webstack status: %v\n%s", err, out)
	}
}

// failing returns the names of the checks of webstack verify that have a failed row.
func failing(t *testing.T, c *lab.Clone) map[string]bool {
	t.Helper()
	out, err := c.WebstackStdout("verify", "-s", lab.Stack, "--json")
	var report struct {
		Rows []struct{ Check, Outcome string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil || len(report.Rows) == 0 {
		t.Fatalf("read the rows: %v, %v\n%s", jsonErr, err, out)
	}
	failed := map[string]bool{}
	for _, row := range report.Rows {
		if row.Outcome == "fail" {
			failed[row.Check] = true
		}
	}
	if (err != nil) != (len(failed) > 0) {
		t.Errorf("it ends with %v, and %d rows failed", err, len(failed))
	}
	return failed
}

// verifyFinds breaks the running stack in every phase, and expects the matching rows to fail.
func verifyFinds(t *testing.T, c *lab.Clone) {
	ctx, config := t.Context(), c.AWS()
	ec2Client, ssmClient := ec2.NewFromConfig(config), ssm.NewFromConfig(config)
	s3Client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	host := newAsHost(t, c)
	own := []ec2types.Filter{{Name: aws.String("tag:Name"), Values: []string{"webstack-local-host"}}}
	group := must(ec2Client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: own}))(t).
		Reservations[0].Instances[0].SecurityGroups[0].GroupId
	ssh := []ec2types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22),
		IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}}
	tagged := must(ec2Client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{
		Filters: []ec2types.Filter{{Name: aws.String("tag:Tier"), Values: []string{"private-db"}}},
	}))(t).Subnets[0].SubnetId

	must(ec2Client.DeleteTags(ctx, &ec2.DeleteTagsInput{
		Resources: []string{*tagged}, Tags: []ec2types.Tag{{Key: aws.String("Tier")}},
	}))(t)
	must(ec2Client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, IpPermissions: ssh}))(t)
	must(s3Client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(host.backups),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	}))(t)
	must(ecr.NewFromConfig(config).PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{
		RepositoryName: aws.String("webstack-local/shop"), ImageTagMutability: ecrtypes.ImageTagMutabilityMutable,
	}))(t)
	must(iam.NewFromConfig(config).DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{
		RoleName: aws.String("webstack-local-deploy-shop"), PolicyName: aws.String("deploy"),
	}))(t)
	must(ssmClient.DeleteDocument(ctx, &ssm.DeleteDocumentInput{Name: aws.String("webstack-local-deploy-blog")}))(t)
	c.OnHost("docker stop webstack-shop-1 || docker stop $(docker ps -qf name=webstack-shop-)")

	failed := failing(t, c)
	for _, check := range []string{
		"network.subnets", "host.ports", "backups.versions", "registry.repositories", "registry.documents", "apps.containers",
		"web.answer",
	} {
		if !failed[check] {
			t.Errorf("%s does not fail; these do: %v", check, failed)
		}
	}

	must(ec2Client.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, IpPermissions: ssh}))(t)
	c.Must(c.Pulumi("up", "-s", lab.Stack, "--yes", "--skip-preview", "--refresh"))
	c.MustConverge()
	if failed := failing(t, c); len(failed) > 0 {
		t.Errorf("these fail still: %v", failed)
	}
}
