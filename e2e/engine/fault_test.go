package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"webstack/e2e/lab"
)

// TestFailedCallLeavesAStateToGoOnFrom fails one API call in the middle of `up`, at a different place each time, and
// expects the error on the right resource, and the next `up` to complete the stack.
func TestFailedCallLeavesAStateToGoOnFrom(t *testing.T) {
	t.Parallel()
	clone := lab.NewClone(t)
	clone.MustLaptop("up")
	want := clone.Inventory()
	// A destroy deletes a bucket together with its objects.
	client := s3.NewFromConfig(clone.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucketNamed(t, want, "backup")), Key: aws.String("imports/shop.dump"), Body: strings.NewReader("dump"),
	}); err != nil {
		t.Fatal(err)
	}
	for _, fault := range []struct{ action, resource string }{
		{"CreateSubnet", "webstack-local-p"}, // one of the private or public ones
		{"RunInstances", "webstack-local"},
		{"AttachVolume", "webstack-local-data"},
		{"PutRolePolicy", "webstack-local"},
		{"CreateAssociation", "webstack-local-"},
		{"PutLifecyclePolicy", "webstack-local-"},
	} {
		t.Run(fault.action, func(t *testing.T) {
			clone := clone.For(t)
			clone.MustLaptop("destroy")
			clone.Fail(fault.action, 0)
			out, err := clone.Laptop("up")
			if err == nil {
				t.Fatalf("up succeeds although %s failed:\n%s", fault.action, out)
			}
			lines := strings.Split(out, "\n")
			if !slices.ContainsFunc(lines, func(line string) bool {
				return strings.Contains(line, fault.resource) && strings.Contains(line, fault.action)
			}) {
				t.Errorf("no line names the resource and %s:\n%s", fault.action, out)
			}
			out = clone.MustLaptop("up")
			sameCounts(t, want, clone.Inventory(), out)
		})
	}
}
