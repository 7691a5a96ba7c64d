package gateway

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// placedDatabase is the part of an RDS instance that others depend on.
type placedDatabase struct {
	Identifier      string   `xml:"DBInstanceIdentifier"`
	Storage         int      `xml:"AllocatedStorage"`
	Version         string   `xml:"EngineVersion"`
	Groups          []string `xml:"VpcSecurityGroups>VpcSecurityGroupMembership>VpcSecurityGroupId"`
	ParameterGroups []string `xml:"DBParameterGroups>DBParameterGroup>DBParameterGroupName"`
	SubnetGroup     string   `xml:"DBSubnetGroup>DBSubnetGroupName"`
	Vpc             string   `xml:"DBSubnetGroup>VpcId"`
	Subnets         []string `xml:"DBSubnetGroup>Subnets>Subnet>SubnetIdentifier"`
}

func (g *Gateway) placedDatabases(ctx context.Context, region string) ([]placedDatabase, error) {
	var out struct {
		Databases []placedDatabase `xml:"DescribeDBInstancesResult>DBInstances>DBInstance"`
	}
	err := g.readForm(ctx, region, "rds", "DescribeDBInstances", url.Values{}, &out)
	return out.Databases, err
}

// vpcOfSubnetGroup returns the VPC of a DB subnet group; "" if there is no such group.
func (g *Gateway) vpcOfSubnetGroup(ctx context.Context, region, name string) (string, error) {
	var out struct {
		Vpcs []string `xml:"DescribeDBSubnetGroupsResult>DBSubnetGroups>DBSubnetGroup>VpcId"`
	}
	err := g.readForm(ctx, region, "rds", "DescribeDBSubnetGroups", url.Values{"DBSubnetGroupName": {name}}, &out)
	if err != nil || len(out.Vpcs) == 0 {
		return "", err
	}
	return out.Vpcs[0], nil
}

func subnetGroupIsUnused(ctx context.Context, g *Gateway, c call) (*problem, error) {
	name := c.form.Get("DBSubnetGroupName")
	databases, err := g.placedDatabases(ctx, c.region)
	at := slices.IndexFunc(databases, func(d placedDatabase) bool { return strings.EqualFold(d.SubnetGroup, name) })
	if err != nil || at < 0 {
		return nil, err
	}
	return wrong("InvalidDBSubnetGroupStateFault", "Cannot delete the subnet group '%s' because at least one database "+
		"instance: %s is still using it.", name, databases[at].Identifier), nil
}

func parameterGroupIsUnused(ctx context.Context, g *Gateway, c call) (*problem, error) {
	name := c.form.Get("DBParameterGroupName")
	databases, err := g.placedDatabases(ctx, c.region)
	used := slices.ContainsFunc(databases, func(d placedDatabase) bool { return slices.Contains(d.ParameterGroups, name) })
	if err != nil || !used {
		return nil, err
	}
	return wrong("InvalidDBParameterGroupState", "One or more database instances are still members of this parameter "+
		"group %s, so the group cannot be deleted", name), nil
}

// subnetGroupStays: a DB subnet group cannot move to another VPC.
func subnetGroupStays(ctx context.Context, g *Gateway, c call) (*problem, error) {
	vpc, err := g.vpcOfSubnetGroup(ctx, c.region, c.form.Get("DBSubnetGroupName"))
	if err != nil {
		return nil, err
	}
	subnets, err := g.subnets(ctx, c.region, url.Values{})
	if err != nil {
		return nil, err
	}
	wanted := c.numbered("SubnetIds.SubnetIdentifier")
	if slices.ContainsFunc(subnets, func(s describedSubnet) bool {
		return slices.Contains(wanted, s.ID) && s.Vpc != vpc
	}) {
		return wrong("InvalidParameterValue", "The new Subnets are not in the same Vpc as the existing subnet group"), nil
	}
	return nil, nil
}

// databaseCanFollow reports a change that RDS does not make to an existing RDS instance.
func databaseCanFollow(ctx context.Context, g *Gateway, c call) (*problem, error) {
	databases, err := g.placedDatabases(ctx, c.region)
	at := slices.IndexFunc(databases, func(d placedDatabase) bool {
		return strings.EqualFold(d.Identifier, c.form.Get("DBInstanceIdentifier"))
	})
	if err != nil || at < 0 {
		return nil, err
	}
	database := databases[at]
	if size, err := strconv.Atoi(c.form.Get("AllocatedStorage")); err == nil && size < database.Storage {
		return wrong("InvalidParameterCombination", "Invalid storage size: %d GiB is less than the current size of %d GiB",
			size, database.Storage), nil
	}
	if wanted := c.form.Get("EngineVersion"); wanted != "" && older(wanted, database.Version) {
		return wrong("InvalidParameterCombination", "Cannot upgrade postgres from %s to %s", database.Version, wanted), nil
	}
	return g.databaseCanMove(ctx, c, database)
}

// databaseCanMove: an RDS instance can only move to a subnet group of another VPC, and needs security groups of that
// VPC.
func (g *Gateway) databaseCanMove(ctx context.Context, c call, database placedDatabase) (*problem, error) {
	vpc, wanted := database.Vpc, c.form.Get("DBSubnetGroupName")
	groups := c.numbered("VpcSecurityGroupIds.VpcSecurityGroupId")
	if wanted != "" && !strings.EqualFold(wanted, database.SubnetGroup) {
		target, err := g.vpcOfSubnetGroup(ctx, c.region, wanted)
		if err != nil {
			return nil, err
		}
		if target == vpc {
			return wrong("InvalidVPCNetworkStateFault", "You cannot move DB instance %s to subnet group %s. The specified DB "+
				"subnet group and DB instance are in the same VPC. Choose a DB subnet group in different VPC than the specified "+
				"DB instance and try again.", database.Identifier, wanted), nil
		}
		vpc = target
		if len(groups) == 0 {
			groups = database.Groups
		}
	}
	vpcs, err := g.vpcsOfGroups(ctx, c.region)
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		if other := vpcs[group]; vpc != "" && other != "" && other != vpc {
			return wrong("InvalidParameterCombination", "The DB instance and EC2 security group are in different VPCs. The DB "+
				"instance is in %s and the EC2 security group is in %s", vpc, other), nil
		}
	}
	return nil, nil
}

// older reports whether one engine version is before another, comparing only the parts that both have: 17 is not before
// 17.5.
func older(wanted, current string) bool {
	one, other := strings.Split(wanted, "."), strings.Split(current, ".")
	for i := range min(len(one), len(other)) {
		left, leftErr := strconv.Atoi(one[i])
		right, rightErr := strconv.Atoi(other[i])
		if leftErr != nil || rightErr != nil || left != right {
			return leftErr == nil && rightErr == nil && left < right
		}
	}
	return false
}
