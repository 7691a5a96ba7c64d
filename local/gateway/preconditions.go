package gateway

import (
	"context"
	"errors"
	"net/http"
)

// precondition looks for what makes AWS refuse a call that moto would let pass; nil when there is nothing.
type precondition func(ctx context.Context, g *Gateway, c call) (*problem, error)

// preconditions are those of calls that AWS refuses while something else is in the way, by service and action. A program
// that changes things in the wrong order fails here as it would on AWS.
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

// refused answers a call that AWS would refuse, and reports whether it did.
func (g *Gateway) refused(w http.ResponseWriter, r *http.Request, c call) bool {
	look, ok := preconditions[c.service][c.action]
	if !ok || c.form == nil {
		return false
	}
	found, err := look(r.Context(), g, c)
	var unknown *refusal
	switch {
	case errors.As(err, &unknown): // what the call is about does not exist, which moto says better
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
