package awsprovider

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"webstack/local/provider"
)

// modifiedDBProps are the inputs whose change is a call of ModifyDBInstance. The others matter only at deletion.
var modifiedDBProps = []string{
	"identifier", "instanceClass", "engineVersion", "allocatedStorage", "maxAllocatedStorage", "storageType",
	"password", "dbSubnetGroupName", "parameterGroupName", "vpcSecurityGroupIds", "publiclyAccessible",
	"backupRetentionPeriod", "copyTagsToSnapshot", "autoMinorVersionUpgrade", "deletionProtection",
}

// updateDBInstance changes everything with one call. Without applyImmediately, AWS makes most changes in the next
// maintenance window.
func (c *clients) updateDBInstance(ctx context.Context, change provider.Change) error {
	if change.Changed(modifiedDBProps...) {
		if err := c.modifyDBInstance(ctx, change); err != nil {
			return err
		}
	}
	// The ARN has the identifier in it, which may just have changed.
	return c.retagRDS(ctx, aws.String(c.arn("rds", "db:"+change.New.Str("identifier"))), change)
}

func (c *clients) modifyDBInstance(ctx context.Context, change provider.Change) error {
	in := change.New
	changed := provider.Values{} // what is not in it is omitted from the call
	for _, key := range modifiedDBProps {
		if change.Changed(key) && in.Has(key) {
			changed[key] = in[key]
		}
	}
	db, err := c.findDB(ctx, change.ID, change.Old)
	if isGone(err) {
		db, err = c.findDB(ctx, change.ID, in) // an earlier update renamed it and failed after that
	}
	if err != nil {
		return err
	}
	request := &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: db.DBInstanceIdentifier, ApplyImmediately: aws.Bool(in.Bool("applyImmediately")),
		AllowMajorVersionUpgrade: aws.Bool(in.Bool("allowMajorVersionUpgrade")),
		DeletionProtection:       aws.Bool(in.Bool("deletionProtection")),
		DBInstanceClass:          optional(changed, "instanceClass"), EngineVersion: optional(changed, "engineVersion"),
		AllocatedStorage:    optionalInt(changed, "allocatedStorage"),
		MaxAllocatedStorage: optionalInt(changed, "maxAllocatedStorage"),
		StorageType:         optional(changed, "storageType"),
		MasterUserPassword:  optional(changed, "password"), DBSubnetGroupName: optional(changed, "dbSubnetGroupName"),
		DBParameterGroupName: optional(changed, "parameterGroupName"),
		VpcSecurityGroupIds:  changed.Strs("vpcSecurityGroupIds"), PubliclyAccessible: optionalBool(changed, "publiclyAccessible"),
		BackupRetentionPeriod:   optionalInt(changed, "backupRetentionPeriod"),
		CopyTagsToSnapshot:      optionalBool(changed, "copyTagsToSnapshot"),
		AutoMinorVersionUpgrade: optionalBool(changed, "autoMinorVersionUpgrade"),
	}
	name := aws.ToString(db.DBInstanceIdentifier)
	if renamed := in.Str("identifier"); renamed != name {
		request.NewDBInstanceIdentifier = &renamed
	}
	if _, err := c.rds.ModifyDBInstance(ctx, request); err != nil {
		return err
	}
	if request.NewDBInstanceIdentifier != nil {
		name = *request.NewDBInstanceIdentifier
	}
	return c.untilDBAvailable(ctx, name)
}
