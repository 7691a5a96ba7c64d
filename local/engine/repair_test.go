package engine

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

const urn = resource.URN("urn:pulumi:local::tiny::tiny:index:Thing::one")

func made(id string) apitype.ResourceV3 {
	return apitype.ResourceV3{URN: urn, Custom: true, ID: resource.ID(id), Outputs: map[string]any{"value": id}}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	creating := apitype.OperationV2{
		Type:     apitype.OperationTypeCreating,
		Resource: apitype.ResourceV3{URN: urn, Custom: true, Inputs: map[string]any{"value": "new"}},
	}
	updating := apitype.OperationV2{Type: apitype.OperationTypeUpdating, Resource: made("old")}
	component := apitype.OperationV2{Type: apitype.OperationTypeCreating, Resource: apitype.ResourceV3{URN: urn}}
	adopted := made("new")
	adopted.Inputs = map[string]any{"value": "new"}
	doomed, deleted := made("old"), made("old")
	doomed.Delete = true
	deleted.PendingReplacement = true

	tests := map[string]struct {
		resources   []apitype.ResourceV3
		operation   apitype.OperationV2
		created     string
		want        []apitype.ResourceV3
		wantAdopted int
	}{
		"made":                     {operation: creating, created: "new", want: []apitype.ResourceV3{adopted}, wantAdopted: 1},
		"never made":               {operation: creating},
		"a replacement, made":      {resources: []apitype.ResourceV3{made("old")}, operation: creating, created: "new", want: []apitype.ResourceV3{adopted, doomed}, wantAdopted: 1},
		"a replacement, not made":  {resources: []apitype.ResourceV3{made("old")}, operation: creating, created: "old", want: []apitype.ResourceV3{made("old")}},
		"replaces what is deleted": {resources: []apitype.ResourceV3{deleted}, operation: creating, created: "new", want: []apitype.ResourceV3{adopted}, wantAdopted: 1},
		"already written down":     {resources: []apitype.ResourceV3{adopted}, operation: creating, created: "new", want: []apitype.ResourceV3{adopted}},
		"an update":                {resources: []apitype.ResourceV3{made("old")}, operation: updating, created: "new", want: []apitype.ResourceV3{made("old")}},
		"a component":              {operation: component, created: "new"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployment := apitype.DeploymentV3{
				Resources: test.resources, PendingOperations: []apitype.OperationV2{test.operation},
			}
			created := func(context.Context, string) (string, bool, error) { return test.created, test.created != "", nil }
			got, err := repair(t.Context(), &deployment, created)
			if err != nil || got != test.wantAdopted {
				t.Errorf("adopted %d, %v; want %d", got, err, test.wantAdopted)
			}
			if diff := cmp.Diff(test.want, deployment.Resources, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
			if len(deployment.PendingOperations) != 0 {
				t.Errorf("operations are left: %v", deployment.PendingOperations)
			}
		})
	}
}

func TestRepairFailsWhenTheCloudCannotSay(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("connection refused")
	deployment := apitype.DeploymentV3{PendingOperations: []apitype.OperationV2{{
		Type: apitype.OperationTypeCreating, Resource: apitype.ResourceV3{URN: urn, Custom: true},
	}}}
	_, err := repair(t.Context(), &deployment, func(context.Context, string) (string, bool, error) {
		return "", false, unreachable
	})
	if !errors.Is(err, unreachable) || len(deployment.PendingOperations) != 1 {
		t.Errorf("got %v with %d operations, want the error and the operation kept", err, len(deployment.PendingOperations))
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	bucket := map[string]any{"bucket": "backups", "forceDestroy": false}
	deployment := apitype.DeploymentV3{Resources: []apitype.ResourceV3{
		{URN: "urn:pulumi:local::webstack::aws:ebs/volume:Volume::data", Type: "aws:ebs/volume:Volume", Protect: true},
		{URN: "urn:pulumi:local::webstack::aws:s3/bucketV2:BucketV2::backups", Type: bucketType, RetainOnDelete: true, Outputs: bucket},
	}}
	protected, changed := release(&deployment)
	if !slices.Equal(protected, []string{"data"}) || !changed {
		t.Errorf("protected %q, changed %v", protected, changed)
	}
	for _, r := range deployment.Resources {
		if r.Protect || r.RetainOnDelete {
			t.Errorf("%s is kept", r.URN)
		}
	}
	if bucket["forceDestroy"] != true {
		t.Error("S3 would not delete a bucket with something in it")
	}
	if protected, changed := release(&deployment); len(protected) > 0 || changed {
		t.Errorf("again: protected %q, changed %v", protected, changed)
	}
}
