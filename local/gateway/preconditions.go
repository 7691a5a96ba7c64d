package gateway

import (
	"context"
	"errors"
	"net/http"
)

// precondition returns the reason why AWS would reject a call that moto would accept; nil if there is none.
type precondition func(ctx context.Context, g *Gateway, c call) (*problem, error)

// preconditions are the preconditions of calls that AWS rejects while another resource is in the way, by service and
// action. A program that changes things in the wrong order fails here as it would on AWS.
var preconditions = map[string]map[string]precondition{
	"ec2": {
		"AssociateAddress":            networkHasGateway,
		"AttachVolume":                volumeIsInZone,
		"CreateNatGateway":            addressIsFree,
		"DeleteSecurityGroup":         groupIsUnused,
		"DeleteSubnet":                subnetIsEmpty,
		"DeleteVpc":                   vpcIsEmpty,
		"DetachInternetGateway":       nothingIsPublic,
		"DisassociateSubnetCidrBlock": subnetBlockIsUnused,
		"DisassociateVpcCidrBlock":    vpcBlockIsUnused,
		"ModifyVolume":                volumeGrows,
		"ReleaseAddress":              addressIsFree,
		"RunInstances":                groupsAreInVpc,
	},
	"rds": {
		"DeleteDBParameterGroup": parameterGroupIsUnused,
		"DeleteDBSubnetGroup":    subnetGroupIsUnused,
		"ModifyDBInstance":       databaseCanFollow,
		"ModifyDBSubnetGroup":    subnetGroupStays,
	},
}

// refused answers a call that AWS would reject, and reports whether it did.
func (g *Gateway) refused(w http.ResponseWriter, r *http.Request, c call) bool {
	look, ok := preconditions[c.service][c.action]
	if !ok || c.form == nil {
		return false
	}
	found, err := look(r.Context(), g, c)
	var unknown *refusal
	switch {
	case errors.As(err, &unknown): // the resource does not exist, which moto reports better
		return false
	case err != nil:
		c.unavailable(w, err)
	case found != nil:
		c.refuse(w, found)
	default:
		return false
	}
	return true
}
