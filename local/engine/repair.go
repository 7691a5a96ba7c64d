package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Created looks up the id of the newest resource that was created for a URN.
type Created func(ctx context.Context, urn string) (id string, ok bool, err error)

// repair settles the operations that were in progress when a run was killed. A resource that was created but never
// recorded is added to the state with its inputs. A refresh must follow, which reads the rest and everything that was
// being changed or deleted. repair returns how many resources it added.
func repair(ctx context.Context, deployment *apitype.DeploymentV3, created Created) (adopted int, err error) {
	for _, operation := range deployment.PendingOperations {
		found := operation.Resource
		if operation.Type != apitype.OperationTypeCreating || !found.Custom {
			continue
		}
		id, ok, err := created(ctx, string(found.URN))
		if err != nil {
			return 0, fmt.Errorf("find what was created for %s: %w", found.URN, err)
		}
		if !ok || known(deployment, found.URN, id) {
			continue
		}
		found.ID = resource.ID(id)
		found.Outputs = maps.Clone(found.Inputs)
		adopt(deployment, found)
		adopted++
	}
	deployment.PendingOperations = nil
	return adopted, nil
}

func known(deployment *apitype.DeploymentV3, urn resource.URN, id string) bool {
	return slices.ContainsFunc(deployment.Resources, func(r apitype.ResourceV3) bool {
		return r.URN == urn && string(r.ID) == id
	})
}

// adopt puts found where the engine would have put it. An older resource of the same URN is being replaced by it: it
// still waits for its deletion, or was deleted before.
func adopt(deployment *apitype.DeploymentV3, found apitype.ResourceV3) {
	at := slices.IndexFunc(deployment.Resources, func(r apitype.ResourceV3) bool {
		return r.URN == found.URN && !r.Delete
	})
	switch {
	case at < 0:
		deployment.Resources = append(deployment.Resources, found)
	case deployment.Resources[at].PendingReplacement:
		deployment.Resources[at] = found
	default:
		deployment.Resources[at].Delete = true
		deployment.Resources = slices.Insert(deployment.Resources, at, found)
	}
}

// bucketType is the type of S3 buckets, which S3 deletes only when they are empty.
const bucketType = "aws:s3/bucketV2:BucketV2"

// release allows everything to be deleted: protected resources, resources that a destroy would retain, and buckets with
// their content. It returns the names of the resources that were protected.
func release(deployment *apitype.DeploymentV3) (protected []string, changed bool) {
	for i := range deployment.Resources {
		r := &deployment.Resources[i]
		if r.Protect {
			protected = append(protected, r.URN.Name())
		}
		changed = changed || r.Protect || r.RetainOnDelete
		r.Protect, r.RetainOnDelete = false, false
		if r.Type == bucketType && r.Outputs["forceDestroy"] != true {
			r.Outputs["forceDestroy"], changed = true, true
		}
	}
	return protected, changed
}
