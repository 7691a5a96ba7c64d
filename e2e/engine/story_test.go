package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/e2e/lab"
)

// TestStory is the life of a stack: each step starts where the one before it ended.
func TestStory(t *testing.T) {
	t.Parallel()
	clone := lab.NewClone(t)
	stackFile := clone.Read("Pulumi.local.yaml")
	clone.MustLaptop("up")
	steps := []struct {
		name string
		run  func(*testing.T, *lab.Clone)
	}{
		{"plain clients see the network", seesNetwork},
		{"plain clients see the host", seesHost},
		{"plain clients see apps and buckets", seesAppsAndBuckets},
		{"up again changes nothing", upAgain},
		{"a plain Pulumi changes nothing", plainPulumi},
		{"a bad stack file is refused", refuseBadFile},
		{"an app is added", addApp},
		{"an environment value is changed", changeEnv},
		{"the app is removed", removeApp},
		{"drift is found and reverted", revertDrift},
		{"a terminated host is created again", remakeHost},
		{"destroy refuses what is protected", destroyRefused},
		{"destroy as documented leaves nothing", destroyAsDocumented},
	}
	for _, step := range steps {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, clone.For(t)) }) {
			t.FailNow() // what follows builds on it
		}
	}
	if clone.Read("Pulumi.local.yaml") != stackFile {
		t.Error("Pulumi.local.yaml is not what it was")
	}
}

func upAgain(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	out := clone.MustLaptop("up")
	if !strings.Contains(out, "No changes") {
		t.Errorf("up does not say that nothing changed:\n%s", out)
	}
	lab.SameInventory(t, before, clone.Inventory())
}

func plainPulumi(t *testing.T, clone *lab.Clone) {
	for _, args := range [][]string{
		{"preview", "-s", lab.Stack, "--expect-no-changes"},
		{"up", "-s", lab.Stack, "--yes", "--expect-no-changes"},
		{"refresh", "-s", lab.Stack, "--yes", "--expect-no-changes"},
		{"preview", "-s", lab.Stack, "--refresh", "--expect-no-changes"},
	} {
		if out, err := clone.Pulumi(args...); err != nil {
			t.Errorf("pulumi %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// refuseBadFile checks what a user sees of a bad stack file, from Pulumi itself and from the laptop cloud's command.
func refuseBadFile(t *testing.T, clone *lab.Clone) {
	before, right := clone.Inventory(), clone.Read("Pulumi.local.yaml")
	replace := func(from, to string) {
		clone.Edit("Pulumi.local.yaml", func(text string) string { return strings.Replace(text, from, to, 1) })
	}
	replace("LOG_LEVEL: debug", "LOG_LEVEL: debug\n      SINCE: 2024-01-01")
	replace("      SESSION_KEY:", "      CLEAR: canary0123456789\n      SESSION_KEY:")
	replace("      containerPort: 8080\n", "      port: 0x50\n")
	clone.Edit("Pulumi.local.yaml", func(text string) string { return text + "  websatck:activeApp: shop\n" })
	check := func(by, out string, err error, problems ...string) {
		t.Helper()
		if err == nil {
			t.Errorf("%s takes the file:\n%s", by, out)
		}
		for _, problem := range problems {
			if strings.Count(out, problem) != 1 {
				t.Errorf("%s does not say once %q:\n%s", by, problem, out)
			}
		}
		for _, never := range []string{"canary0123456789", "unhandled", "error occurred:", "program failed", "exit status"} {
			if strings.Contains(out, never) {
				t.Errorf("%s says %q:\n%s", by, never, out)
			}
		}
	}
	problems := []string{
		"apps.shop.port: is not a field of an app; did you mean containerPort?",
		"appEnvPlain.shop.SINCE: is a date, not a string; put it in quotes",
		"appEnvSecure.shop.CLEAR: is not encrypted",
		"websatck:activeApp: is in namespace websatck, which nothing reads; did you mean webstack?",
	}
	for _, command := range []string{"preview", "up"} {
		args := []string{command, "-s", lab.Stack}
		if command == "up" {
			args = append(args, "--yes", "--skip-preview")
		}
		out, err := clone.Pulumi(args...)
		check("pulumi "+command, out, err, problems...)
		out, err = clone.Laptop(command)
		check("webstack-local "+command, out, err, problems...)
	}
	clone.Edit("Pulumi.local.yaml", func(string) string { return strings.Replace(right, "  webstack:acme", "\twebstack:acme", 1) })
	out, err := clone.Laptop("up")
	check("webstack-local up", out, err, "is indented with a tab")
	clone.Edit("Pulumi.local.yaml", func(string) string { return right })
	lab.SameInventory(t, before, clone.Inventory())
}

const wikiApp = `    wiki:
      domain: wiki.localhost
      zone: localhost
      containerPort: 8080
`

func addApp(t *testing.T, clone *lab.Clone) {
	clone.Edit("Pulumi.local.yaml", func(text string) string {
		return strings.Replace(text, "  webstack:apps:\n", "  webstack:apps:\n"+wikiApp, 1)
	})
	preview := clone.MustLaptop("preview")
	for _, line := range []string{"wiki:", "wiki.localhost"} {
		if !strings.Contains(preview, line) {
			t.Errorf("the preview does not show %q:\n%s", line, preview)
		}
	}
	if lines := strings.Count(preview, "\n"); lines > 150 || strings.Contains(preview, "-  shop:") {
		t.Errorf("the preview of one more app has %d lines, or removes another one:\n%s", lines, preview)
	}
	clone.MustLaptop("up")
	if found := clone.Inventory()["ECR repositories"]; !slices.ContainsFunc(found, contains("wiki")) {
		t.Errorf("repositories: %v", found)
	}
	if got, want := clone.Lookup("wiki.localhost"), clone.Lookup("shop.localhost"); !slices.Equal(got, want) || got == nil {
		t.Errorf("wiki.localhost answers %v, shop.localhost %v", got, want)
	}
}

func changeEnv(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	change := func(from, to string) {
		clone.Edit("Pulumi.local.yaml", func(text string) string { return strings.Replace(text, from, to, 1) })
	}
	change("LOG_LEVEL: debug", "LOG_LEVEL: warn")
	preview := clone.MustLaptop("preview")
	for _, line := range []string{"-      LOG_LEVEL: debug\n", "+      LOG_LEVEL: warn\n"} {
		if !strings.Contains(preview, line) {
			t.Errorf("the preview does not show %q:\n%s", line, preview)
		}
	}
	change("LOG_LEVEL: warn", "LOG-LEVEL: warn")
	const problem = "appEnvPlain.shop.LOG-LEVEL: "
	if out, err := clone.Laptop("preview"); err == nil || strings.Count(out, problem) != 1 || strings.Contains(out, "unhandled") {
		t.Errorf("a preview that fails does not give its reason once (%v):\n%s", err, out)
	}
	change("LOG-LEVEL: warn", "LOG_LEVEL: warn")
	clone.MustLaptop("up")
	lab.SameInventory(t, before, clone.Inventory())
	change("LOG_LEVEL: warn", "LOG_LEVEL: debug") // brought up by the next step
}

func removeApp(t *testing.T, clone *lab.Clone) {
	clone.Edit("Pulumi.local.yaml", func(text string) string { return strings.Replace(text, wikiApp, "", 1) })
	clone.MustLaptop("up")
	for kind, names := range clone.Inventory() {
		if slices.ContainsFunc(names, contains("wiki")) {
			t.Errorf("%s still there: %v", kind, names)
		}
	}
	if found := clone.Lookup("wiki.localhost"); found != nil {
		t.Errorf("wiki.localhost still answers %v", found)
	}
}

// revertDrift changes things by hand, as in the console, and expects the next run to restore them.
func revertDrift(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	client := ec2.NewFromConfig(clone.AWS())
	group := hostSecurityGroup(t, client)
	_, err := client.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: group.GroupId, IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(9999), ToPort: aws.Int32(9999),
			IpRanges: []types.IpRange{{CidrIp: aws.String("203.0.113.0/24")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: group.GroupId, IpPermissions: []types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	bucket := bucketNamed(t, before, "backup")
	storage := s3.NewFromConfig(clone.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = storage.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := clone.Pulumi("preview", "-s", lab.Stack, "--refresh", "--expect-no-changes"); err == nil {
		t.Errorf("the drift is not found:\n%s", out)
	}
	clone.Must(clone.Pulumi("up", "-s", lab.Stack, "--refresh", "--yes"))
	if !opens(hostSecurityGroup(t, client), 443) {
		t.Error("port 443 is still closed")
	}
	versioning, err := storage.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: &bucket})
	if err != nil || versioning.Status != s3types.BucketVersioningStatusEnabled {
		t.Errorf("versioning of %s: %v, %v", bucket, versioning, err)
	}
	lab.SameInventory(t, before, clone.Inventory())
}

func remakeHost(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	client := ec2.NewFromConfig(clone.AWS())
	gone := aws.ToString(hostInstance(t, client).InstanceId)
	_, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{gone}})
	if err != nil {
		t.Fatal(err)
	}
	out := clone.MustLaptop("up")
	if !strings.Contains(out, "Host "+gone+" is gone; refreshing the state first.") {
		t.Errorf("up does not say that the host was gone:\n%s", out)
	}
	host := hostInstance(t, client)
	if got := clone.Lookup("shop.localhost"); !slices.Equal(got, []string{aws.ToString(host.PublicIpAddress)}) {
		t.Errorf("shop.localhost leads to %v, the host is at %s", got, aws.ToString(host.PublicIpAddress))
	}
	if after := clone.Inventory(); !slices.Equal(dataVolumes(before), dataVolumes(after)) {
		t.Errorf("data volumes %v became %v", dataVolumes(before), dataVolumes(after))
	}
}

func destroyRefused(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	out, err := clone.Pulumi("destroy", "-s", lab.Stack, "--yes")
	if err == nil || !strings.Contains(out, "protect") {
		t.Errorf("destroy: %v\n%s", err, out)
	}
	lab.SameInventory(t, before, clone.Inventory())
}

// destroyAsDocumented follows docs/operations.md: remove the protection, destroy, delete what is retained.
func destroyAsDocumented(t *testing.T, clone *lab.Clone) {
	before := clone.Inventory()
	clone.Must(clone.Pulumi("state", "unprotect", "-s", lab.Stack, "--all", "--yes"))
	clone.Must(clone.Pulumi("destroy", "-s", lab.Stack, "--yes"))
	left := clone.Inventory()
	want := map[string][]string{"volumes": dataVolumes(before), "buckets": {bucketNamed(t, before, "backup")}}
	lab.SameInventory(t, want, left)
	deleteRetained(t, clone, left["buckets"][0])
	lab.SameInventory(t, nil, clone.Inventory())
	if found := clone.Lookup("shop.localhost"); found != nil {
		t.Errorf("shop.localhost still answers %v", found)
	}
}

func deleteRetained(t *testing.T, clone *lab.Clone, bucket string) {
	client := ec2.NewFromConfig(clone.AWS())
	volumes, err := client.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, volume := range volumes.Volumes {
		if _, err := client.DeleteVolume(t.Context(), &ec2.DeleteVolumeInput{VolumeId: volume.VolumeId}); err != nil {
			t.Fatal(err)
		}
	}
	storage := s3.NewFromConfig(clone.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := storage.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
}

func hostSecurityGroup(t *testing.T, client *ec2.Client) types.SecurityGroup {
	t.Helper()
	instance := hostInstance(t, client)
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{
		GroupIds: []string{aws.ToString(instance.SecurityGroups[0].GroupId)}})
	if err != nil || len(groups.SecurityGroups) != 1 {
		t.Fatalf("security group of the host: %v, %v", groups, err)
	}
	return groups.SecurityGroups[0]
}

func opens(group types.SecurityGroup, port int32) bool {
	return slices.ContainsFunc(group.IpPermissions, func(p types.IpPermission) bool {
		return aws.ToInt32(p.FromPort) <= port && port <= aws.ToInt32(p.ToPort) && aws.ToString(p.IpProtocol) == "tcp"
	})
}

func hostInstance(t *testing.T, client *ec2.Client) types.Instance {
	t.Helper()
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{
		{Name: aws.String("instance-state-name"), Values: []string{"running"}}}})
	if err != nil || len(out.Reservations) != 1 || len(out.Reservations[0].Instances) != 1 {
		t.Fatalf("the host: %v, %v", out, err)
	}
	return out.Reservations[0].Instances[0]
}

func bucketNamed(t *testing.T, inventory map[string][]string, part string) string {
	t.Helper()
	found := slices.IndexFunc(inventory["buckets"], contains(part))
	if found < 0 {
		t.Fatalf("no %s bucket among %v", part, inventory["buckets"])
	}
	return inventory["buckets"][found]
}

// dataVolumes returns the volumes that are not root volumes.
func dataVolumes(inventory map[string][]string) []string {
	return slices.DeleteFunc(slices.Clone(inventory["volumes"]), func(name string) bool {
		return !strings.Contains(name, "data")
	})
}

func contains(part string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, part) }
}
