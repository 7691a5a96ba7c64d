package awsprovider

import (
	"testing"

	"webstack/local/provider"
)

// newDBSubnetGroup makes a group of two subnets in a VPC of its own.
func newDBSubnetGroup(e *engine) (group, one, two *made) {
	e.t.Helper()
	vpc := newVpc(e)
	one, two = newSubnet(e, vpc, "10.9.1.0/24", "a"), newSubnet(e, vpc, "10.9.2.0/24", "b")
	return e.create("aws:rds/subnetGroup:SubnetGroup", provider.Values{"subnetIds": []string{one.id, two.id}}), one, two
}

func TestDBSubnetGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	vpc := newVpc(e)
	one, two := newSubnet(e, vpc, "10.9.1.0/24", "a"), newSubnet(e, vpc, "10.9.2.0/24", "b")
	lifecycle{
		token:   "aws:rds/subnetGroup:SubnetGroup",
		inputs:  provider.Values{"subnetIds": []string{two.id, one.id}, "tags": provider.Values{"Name": "db"}},
		unknown: []string{"arn", "vpcId"},
		want:    provider.Values{"description": "Managed by Pulumi", "vpcId": vpc.id},
		update:  provider.Values{"tags": provider.Values{"Owner": "ops"}},
		replace: []provider.Values{{"name": "other"}},
	}.run(t, e)
}

func TestDBParameterGroup(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	lifecycle{
		token: "aws:rds/parameterGroup:ParameterGroup",
		inputs: provider.Values{
			"family": "postgres17", "parameters": []any{provider.Values{"name": "rds.force_ssl", "value": "1"}},
		},
		unknown: []string{"arn"},
		update: provider.Values{
			"parameters": []any{
				provider.Values{"name": "max_connections", "value": "100", "applyMethod": "pending-reboot"},
				provider.Values{"name": "rds.force_ssl", "value": "0"},
			},
			"tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{{"family": "postgres16"}, {"description": "other"}, {"name": "other"}},
	}.run(t, e)
}

func TestDBInstance(t *testing.T) {
	t.Parallel()
	e := newEngine(t)
	group, _, _ := newDBSubnetGroup(e)
	lifecycle{
		token: "aws:rds/instance:Instance",
		inputs: provider.Values{
			"identifier": e.name, "instanceClass": "db.t4g.micro", "engine": "postgres", "engineVersion": "17.2",
			"allocatedStorage": 20, "storageType": "gp3", "storageEncrypted": true, "username": "postgres",
			"password": "correct horse", "dbName": "app", "dbSubnetGroupName": group.id, "backupRetentionPeriod": 7,
			"skipFinalSnapshot": true, "applyImmediately": true, "deletionProtection": true, "port": 5432,
			"tags": provider.Values{"Name": "db"},
		},
		unknown: []string{"address", "endpoint", "arn", "resourceId"},
		want:    provider.Values{"status": "available", "publiclyAccessible": false},
		update: provider.Values{
			"identifier": e.name + "-2", "instanceClass": "db.t4g.small", "allocatedStorage": 30, "deletionProtection": false,
			"backupRetentionPeriod": 14, "password": "battery staple", "tags": provider.Values{"Owner": "ops"},
		},
		replace: []provider.Values{
			{"engine": "mysql"}, {"username": "root"}, {"dbName": "other"}, {"storageEncrypted": false},
		},
		importID: e.name,
	}.run(t, e)
}
