package awsprovider

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"webstack/local/provider"
)

func (c *clients) dbInstance() provider.Type {
	computed, fixed := provider.Prop{Computed: true}, provider.Prop{Computed: true, Replace: true}
	output := provider.Prop{Output: true}
	return provider.Type{
		Name: &provider.AutoName{Prop: "identifier", NoSeparator: true, Max: 255},
		Props: provider.With(provider.Tags(), map[string]provider.Prop{
			"identifier":    {Computed: true, Check: checkAll(checkHyphens, identifierPattern)},
			"instanceClass": {Required: true},
			"engine":        {Computed: true, Replace: true, Equal: foldEqual},
			"username":      fixed, "dbName": fixed,
			"engineVersion":    {Computed: true, Equal: sameVersion},
			"allocatedStorage": computed, "dbSubnetGroupName": computed, "parameterGroupName": computed,
			"storageType":              computed,
			"password":                 {Secret: true, InputOnly: true},
			"maxAllocatedStorage":      {},
			"vpcSecurityGroupIds":      {Computed: true, Set: true},
			"publiclyAccessible":       {Default: false},
			"storageEncrypted":         {Replace: true},
			"backupRetentionPeriod":    {Computed: true, Check: checkRange(0, 35)},
			"copyTagsToSnapshot":       {Default: false},
			"autoMinorVersionUpgrade":  {Default: true},
			"deletionProtection":       {Default: false},
			"applyImmediately":         {Default: false, InputOnly: true},
			"finalSnapshotIdentifier":  {InputOnly: true, Check: checkAll(checkHyphens, snapshotPattern)},
			"allowMajorVersionUpgrade": {InputOnly: true},
			"address":                  output, "endpoint": output, "hostedZoneId": output, "arn": output, "status": output,
			"engineVersionActual": output, "port": output, "resourceId": output,
		}),
		Create: c.createDBInstance,
		Read:   c.readDBInstance,
		Update: c.updateDBInstance,
		Delete: c.deleteDBInstance,
		Import: c.importDBInstance,
		Recomputed: func(changed func(...string) bool) []string {
			var out []string
			if changed("identifier") {
				out = append(out, "address", "endpoint", "arn")
			}
			if changed("engineVersion") {
				out = append(out, "engineVersionActual")
			}
			return out
		},
	}
}

var (
	identifierPattern = checkPattern(`[a-z][a-z0-9-]*`,
		"must be a lower-case letter, then lower-case letters, digits and hyphens")
	snapshotPattern = checkPattern(`[A-Za-z][A-Za-z0-9-]*`, "must be a letter, then letters, digits and hyphens")
)

// checkHyphens rejects hyphens where RDS does not permit them.
func checkHyphens(value any) string {
	if text, _ := value.(string); strings.Contains(text, "--") || strings.HasSuffix(text, "-") {
		return "must not contain two hyphens in a row, nor end in one"
	}
	return ""
}

func foldEqual(a, b any) bool {
	left, _ := a.(string)
	right, _ := b.(string)
	return strings.EqualFold(left, right)
}

// sameVersion reports whether one engine version is the other or its prefix: "16" stays "16" while RDS runs 16.3.
func sameVersion(a, b any) bool {
	left, _ := a.(string)
	right, _ := b.(string)
	return left == right || left != "" && strings.HasPrefix(right, left+".")
}

func (c *clients) createDBInstance(ctx context.Context, in provider.Values) (string, error) {
	name := in.Str("identifier")
	out, err := c.rds.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: optional(in, "instanceClass"),
		Engine: lower(optional(in, "engine")), EngineVersion: optional(in, "engineVersion"),
		AllocatedStorage: optionalInt(in, "allocatedStorage"), MaxAllocatedStorage: optionalInt(in, "maxAllocatedStorage"),
		StorageType: optional(in, "storageType"), StorageEncrypted: optionalBool(in, "storageEncrypted"),
		MasterUsername: optional(in, "username"), MasterUserPassword: optional(in, "password"),
		DBName:            optional(in, "dbName"),
		DBSubnetGroupName: optional(in, "dbSubnetGroupName"), DBParameterGroupName: optional(in, "parameterGroupName"),
		VpcSecurityGroupIds:     in.Strs("vpcSecurityGroupIds"),
		PubliclyAccessible:      optionalBool(in, "publiclyAccessible"),
		BackupRetentionPeriod:   aws.Int32(in.Int32("backupRetentionPeriod")),
		CopyTagsToSnapshot:      optionalBool(in, "copyTagsToSnapshot"),
		AutoMinorVersionUpgrade: optionalBool(in, "autoMinorVersionUpgrade"),
		DeletionProtection:      optionalBool(in, "deletionProtection"),
		Tags:                    rdsTags(in.StrMap("tagsAll")),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.DBInstance.DbiResourceId), c.untilDBAvailable(ctx, name)
}

func lower(text *string) *string {
	if text == nil {
		return nil
	}
	return aws.String(strings.ToLower(*text))
}

// untilDBAvailable waits until the database answers; it does not wait for storage optimization.
func (c *clients) untilDBAvailable(ctx context.Context, name string) error {
	return until(ctx, name+" is available", func() (bool, error) {
		db, err := c.describeDB(ctx, name)
		status := aws.ToString(db.DBInstanceStatus)
		if status == "failed" || strings.HasPrefix(status, "incompatible-") {
			err = fmt.Errorf("wait until %s is available: it is %s", name, status)
		}
		return status == "available" || status == "storage-optimization", err
	})
}

func (c *clients) describeDB(ctx context.Context, name string) (types.DBInstance, error) {
	out, err := c.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	if err != nil {
		return types.DBInstance{}, gone(err, "DBInstanceNotFound", "DBInstanceNotFoundFault")
	}
	return first(out.DBInstances)
}

// findDB finds a database by its identifier if that is known, otherwise by its resource id. Only the identifier is
// safe: the emulated account gives all its databases the same resource id.
func (c *clients) findDB(ctx context.Context, id string, known provider.Values) (types.DBInstance, error) {
	if name := known.Str("identifier"); name != "" {
		return c.describeDB(ctx, name)
	}
	out, err := c.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{
		Filters: []types.Filter{{Name: aws.String("dbi-resource-id"), Values: []string{id}}},
	})
	if err != nil {
		return types.DBInstance{}, gone(err, "DBInstanceNotFound", "DBInstanceNotFoundFault")
	}
	return first(out.DBInstances)
}

// importDBInstance takes a database's identifier, or its resource id.
func (c *clients) importDBInstance(ctx context.Context, id string) (string, provider.Values, error) {
	db, err := c.describeDB(ctx, id)
	if isGone(err) {
		db, err = c.findDB(ctx, id, nil)
	}
	return aws.ToString(db.DbiResourceId), provider.Values{
		"identifier": db.DBInstanceIdentifier,
	}, err
}

func (c *clients) readDBInstance(ctx context.Context, id string, known provider.Values) (provider.Values, error) {
	db, err := c.findDB(ctx, id, known)
	if err != nil {
		return nil, err
	}
	out := provider.Values{
		"identifier": db.DBInstanceIdentifier, "instanceClass": db.DBInstanceClass, "engine": db.Engine,
		"engineVersion": db.EngineVersion, "engineVersionActual": db.EngineVersion, "allocatedStorage": db.AllocatedStorage,
		"username": db.MasterUsername, "dbName": db.DBName,
		"publiclyAccessible": aws.ToBool(db.PubliclyAccessible), "storageType": db.StorageType,
		"storageEncrypted":      aws.ToBool(db.StorageEncrypted),
		"backupRetentionPeriod": db.BackupRetentionPeriod, "copyTagsToSnapshot": aws.ToBool(db.CopyTagsToSnapshot),
		"autoMinorVersionUpgrade": aws.ToBool(db.AutoMinorVersionUpgrade),
		"deletionProtection":      aws.ToBool(db.DeletionProtection),
		"arn":                     db.DBInstanceArn, "status": db.DBInstanceStatus, "resourceId": db.DbiResourceId,
		"address": "", "endpoint": "", "hostedZoneId": "",
	}
	if aws.ToInt32(db.MaxAllocatedStorage) != aws.ToInt32(db.AllocatedStorage) {
		out["maxAllocatedStorage"] = db.MaxAllocatedStorage
	}
	if db.DBSubnetGroup != nil {
		out["dbSubnetGroupName"] = db.DBSubnetGroup.DBSubnetGroupName
	}
	if group, err := first(db.DBParameterGroups); err == nil {
		out["parameterGroupName"] = group.DBParameterGroupName
	}
	groups := []string{}
	for _, group := range db.VpcSecurityGroups {
		groups = append(groups, aws.ToString(group.VpcSecurityGroupId))
	}
	out["vpcSecurityGroupIds"] = groups
	if to := db.Endpoint; to != nil {
		out["address"], out["port"], out["hostedZoneId"] = to.Address, to.Port, aws.ToString(to.HostedZoneId)
		out["endpoint"] = fmt.Sprintf("%s:%d", aws.ToString(to.Address), aws.ToInt32(to.Port))
	}
	out["tags"], err = c.readRDSTags(ctx, db.DBInstanceArn)
	return out, err
}

// deleteDBInstance fails, before anything is done, if the program did not say what to do with the data.
func (c *clients) deleteDBInstance(ctx context.Context, id string, state provider.Values) error {
	snapshot := optional(state, "finalSnapshotIdentifier")
	if snapshot == nil {
		return errors.New("set finalSnapshotIdentifier and run an update first")
	}
	db, err := c.findDB(ctx, id, state)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	name := aws.ToString(db.DBInstanceIdentifier)
	request := &rds.DeleteDBInstanceInput{
		DBInstanceIdentifier: &name, FinalDBSnapshotIdentifier: snapshot,
		SkipFinalSnapshot: aws.Bool(false), DeleteAutomatedBackups: aws.Bool(true),
	}
	// Like the real provider, it removes protection that the program never asked for.
	mayUnprotect := !state.Bool("deletionProtection") && state.Bool("applyImmediately")
	return deleted(ctx, name, func() error {
		_, err := c.rds.DeleteDBInstance(ctx, request)
		if !hasCode(err, "InvalidParameterCombination") || !mayUnprotect {
			return err
		}
		_, err = c.rds.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: &name, DeletionProtection: aws.Bool(false), ApplyImmediately: aws.Bool(true),
		})
		if err != nil {
			return err
		}
		_, err = c.rds.DeleteDBInstance(ctx, request)
		return err
	}, c.describeDB, "DBInstanceNotFound", "DBInstanceNotFoundFault")
}
