package awsprovider

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// newDBSubnetGroup makes a group of two subnets in a VPC of its own.
func newDBSubnetGroup(e *providertest.Engine) (group, one, two *providertest.Resource) {
	e.T.Helper()
	vpc := newVpc(e)
	one, two = newSubnet(e, vpc, "10.9.1.0/24", "a"), newSubnet(e, vpc, "10.9.2.0/24", "b")
	return e.Create("aws:rds/subnetGroup:SubnetGroup", provider.Values{"subnetIds": []string{one.ID, two.ID}}), one, two
}

func TestDBSubnetGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	one, two := newSubnet(e, vpc, "10.9.1.0/24", "a"), newSubnet(e, vpc, "10.9.2.0/24", "b")
	providertest.Lifecycle{
		Token:   "aws:rds/subnetGroup:SubnetGroup",
		Inputs:  provider.Values{"subnetIds": []string{two.ID, one.ID}, "tags": provider.Values{"Name": "db"}},
		Unknown: []string{"arn", "vpcId"},
		Want:    provider.Values{"description": "Managed by Pulumi", "vpcId": vpc.ID},
		Update:  provider.Values{"tags": provider.Values{"Owner": "ops"}},
		Replace: []provider.Values{{"name": "other"}},
	}.Run(t, e)
}

func TestDBParameterGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	providertest.Lifecycle{
		Token: "aws:rds/parameterGroup:ParameterGroup",
		Inputs: provider.Values{
			"family": "postgres17", "parameters": []any{
				provider.Values{"name": "rds.force_ssl", "value": "1", "applyMethod": "pending-reboot"},
			},
		},
		Unknown: []string{"arn"},
		Update: provider.Values{
			"parameters": []any{
				provider.Values{"name": "max_connections", "value": "100", "applyMethod": "pending-reboot"},
				provider.Values{"name": "rds.force_ssl", "value": "0"},
			},
			"tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{{"family": "postgres16"}, {"description": "other"}, {"name": "other"}},
	}.Run(t, e)
}

// RDS shows a parameter that has its family's value as one that waits for a reboot.
func TestDBParameterOfTheFamilyDiffersUnlessItWaits(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	const token = "aws:rds/parameterGroup:ParameterGroup"
	inputs := provider.Values{
		"family": "postgres17", "parameters": []any{
			provider.Values{"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"},
		},
	}
	group := e.Create(token, inputs)
	_, group.Inputs, group.Outputs = group.Refresh()
	if got := group.Diff(e.Checked(token, group.Inputs, inputs)); got.Changes != pulumirpc.DiffResponse_DIFF_SOME {
		t.Errorf("got %v", got.Changes)
	}
}

func TestDBInstance(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group, _, _ := newDBSubnetGroup(e)
	providertest.Lifecycle{
		Token: "aws:rds/instance:Instance",
		Inputs: provider.Values{
			"identifier": e.Name, "instanceClass": "db.t4g.micro", "engine": "postgres", "engineVersion": "17.2",
			"allocatedStorage": 20, "storageType": "gp3", "storageEncrypted": true, "username": "postgres",
			"password": "correct horse", "dbName": "app", "dbSubnetGroupName": group.ID, "backupRetentionPeriod": 7,
			"finalSnapshotIdentifier": e.Name + "-last", "applyImmediately": true, "deletionProtection": true,
			"tags": provider.Values{"Name": "db"},
		},
		Unknown: []string{"address", "endpoint", "arn", "resourceId"},
		Want:    provider.Values{"status": "available", "publiclyAccessible": false},
		Secrets: []string{"password"},
		Update: provider.Values{
			"identifier": e.Name + "-2", "instanceClass": "db.t4g.small", "allocatedStorage": 30, "deletionProtection": false,
			"backupRetentionPeriod": 14, "password": "battery staple", "tags": provider.Values{"Owner": "ops"},
		},
		Replace: []provider.Values{
			{"engine": "mysql"}, {"username": "root"}, {"dbName": "other"}, {"storageEncrypted": false},
		},
		ImportID: e.Name,
	}.Run(t, e)
}
