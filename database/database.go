package database

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/rds"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/vpc"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/naming"
)

// TypeToken is the component's type.
const TypeToken = "webstack:database:Database"

const (
	// engineVersion is the major version, the same as the container's; RDS chooses the newest minor version.
	engineVersion = "17"
	port          = 5432
	// maxIdentifier is RDS's limit for the name of an instance. The name of a snapshot may have 255 characters.
	maxIdentifier = 63
	// lifeBytes is the size of the random part of the final snapshot's name.
	lifeBytes = 4
)

// Args describe the database to run.
type Args struct {
	// NamePrefix starts the names of everything, usually "<project>-<stack>".
	NamePrefix string
	// InstanceClass is the RDS class, such as db.t4g.micro.
	InstanceClass string
	// StorageGiB is the initial size of the disk, at least 20. It grows automatically to five times that.
	StorageGiB int
	// BackupRetentionDays is how long RDS keeps its own backups, 1 to 35.
	BackupRetentionDays int
	// User is the superuser, DatabaseName the initial database.
	User, DatabaseName string
	// Password is a secret; nil generates one.
	Password pulumi.StringInput
	// VpcID and SubnetIDs are where it is. With another VPC it moves there.
	VpcID     pulumi.StringInput
	SubnetIDs pulumi.StringArrayInput
}

// Database is the component.
type Database struct {
	pulumi.ResourceState

	// Endpoint is "host:port".
	Endpoint pulumi.StringOutput
	// Password is the superuser's, a secret.
	Password pulumi.StringOutput
	// ClientSecurityGroupID is the group that a host joins to reach the database. It is created here, because the
	// host's role depends on resources that depend on the database's address.
	ClientSecurityGroupID pulumi.IDOutput
}

// New registers the instance and its surroundings.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*Database, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	out := &Database{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, pulumi.Map{
		"instanceClass": pulumi.String(args.InstanceClass),
	}, out, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	parent := pulumi.Parent(out)
	if err := args.resolvePassword(ctx, name, out, parent); err != nil {
		return nil, err
	}
	group, err := args.newSecurityGroup(ctx, name, out, parent)
	if err != nil {
		return nil, err
	}
	subnets, err := rds.NewSubnetGroup(ctx, name, &rds.SubnetGroupArgs{
		SubnetIds: args.SubnetIDs, Tags: args.tags(),
	}, parent,
		// A subnet group cannot change its VPC, and a database moves to another VPC by changing its group.
		pulumi.ReplacementTrigger(args.VpcID))
	if err != nil {
		return nil, fmt.Errorf("register the subnet group: %w", err)
	}
	parameters, err := rds.NewParameterGroup(ctx, name, &rds.ParameterGroupArgs{
		Family: pulumi.String("postgres" + engineVersion),
		Parameters: rds.ParameterGroupParameterArray{&rds.ParameterGroupParameterArgs{
			Name: pulumi.String("rds.force_ssl"), Value: pulumi.String("1"),
			// This is the family's own value, which RDS always reports as waiting for a reboot.
			ApplyMethod: pulumi.String("pending-reboot"),
		}, &rds.ParameterGroupParameterArgs{
			// A failed statement may contain a password, and RDS keeps its log for days.
			Name: pulumi.String("log_min_error_statement"), Value: pulumi.String("panic"),
			ApplyMethod: pulumi.String("immediate"),
		}},
		Tags: args.tags(),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the parameter group: %w", err)
	}
	if err := args.newInstance(ctx, name, out, group, subnets, parameters); err != nil {
		return nil, err
	}
	return out, ctx.RegisterResourceOutputs(out, pulumi.Map{"endpoint": out.Endpoint})
}

func (a *Args) check() error {
	var problems []error
	if a.StorageGiB < 20 {
		problems = append(problems, fmt.Errorf("use a disk of %d GiB: RDS needs at least 20", a.StorageGiB))
	}
	if a.BackupRetentionDays < 1 || a.BackupRetentionDays > 35 {
		problems = append(problems, fmt.Errorf("keep backups for %d days: RDS keeps them 1 to 35 days",
			a.BackupRetentionDays))
	}
	return errors.Join(problems...)
}

func (a *Args) tags() pulumi.StringMap {
	return pulumi.StringMap{"Name": pulumi.String(a.NamePrefix + "-postgres")}
}

// passwordLength letters and digits have about 190 bits and need no quoting anywhere.
const passwordLength = 32

func (a *Args) resolvePassword(ctx *pulumi.Context, name string, out *Database, parent pulumi.ResourceOption) error {
	if a.Password != nil {
		out.Password = pulumi.ToSecret(a.Password).(pulumi.StringOutput)
		return nil
	}
	password, err := random.NewRandomPassword(ctx, name+"-postgres", &random.RandomPasswordArgs{
		Length: pulumi.Int(passwordLength), Special: pulumi.Bool(false),
	}, parent)
	if err != nil {
		return fmt.Errorf("register the database's password: %w", err)
	}
	out.Password = password.Result
	return nil
}

func (a *Args) newSecurityGroup(
	ctx *pulumi.Context, name string, out *Database, parent pulumi.ResourceOption,
) (*ec2.SecurityGroup, error) {
	clients, err := ec2.NewSecurityGroup(ctx, name+"-postgres-clients", &ec2.SecurityGroupArgs{
		Description: pulumi.String("Hosts that may reach Postgres"),
		VpcId:       a.VpcID,
		Tags:        a.tags(),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the security group of the database's clients: %w", err)
	}
	out.ClientSecurityGroupID = clients.ID()
	group, err := ec2.NewSecurityGroup(ctx, name+"-postgres", &ec2.SecurityGroupArgs{
		Description: pulumi.String("Postgres from the host only"),
		VpcId:       a.VpcID,
		Tags:        a.tags(),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the database's security group: %w", err)
	}
	_, err = vpc.NewSecurityGroupIngressRule(ctx, name+"-host", &vpc.SecurityGroupIngressRuleArgs{
		SecurityGroupId:           group.ID(),
		Description:               pulumi.String("postgres"),
		IpProtocol:                pulumi.String("tcp"),
		FromPort:                  pulumi.Int(port),
		ToPort:                    pulumi.Int(port),
		ReferencedSecurityGroupId: clients.ID(),
	}, parent)
	if err != nil {
		return nil, fmt.Errorf("register the rule for the host: %w", err)
	}
	return group, nil
}

func (a *Args) newInstance(
	ctx *pulumi.Context, name string, out *Database,
	group *ec2.SecurityGroup, subnets *rds.SubnetGroup, parameters *rds.ParameterGroup,
) error {
	// Snapshots outlive the database, and their names are unique: each new database gets its own random part.
	life, err := random.NewRandomId(ctx, name+"-final-snapshot", &random.RandomIdArgs{
		ByteLength: pulumi.Int(lifeBytes),
	}, pulumi.Parent(out))
	if err != nil {
		return fmt.Errorf("register the name of the final snapshot: %w", err)
	}
	last := naming.Name(maxIdentifier, a.NamePrefix, "postgres", "final")
	instance, err := rds.NewInstance(ctx, name, &rds.InstanceArgs{
		Identifier:               pulumi.String(contract.DatabaseIdentifier(a.NamePrefix)),
		Engine:                   pulumi.String("postgres"),
		EngineVersion:            pulumi.String(engineVersion),
		InstanceClass:            pulumi.String(a.InstanceClass),
		AllocatedStorage:         pulumi.Int(a.StorageGiB),
		MaxAllocatedStorage:      pulumi.Int(5 * a.StorageGiB),
		StorageType:              pulumi.String("gp3"),
		StorageEncrypted:         pulumi.Bool(true),
		Username:                 pulumi.String(a.User),
		Password:                 out.Password,
		DbName:                   pulumi.String(a.DatabaseName),
		DbSubnetGroupName:        subnets.Name,
		ParameterGroupName:       parameters.Name,
		VpcSecurityGroupIds:      pulumi.StringArray{group.ID().ToStringOutput()},
		PubliclyAccessible:       pulumi.Bool(false),
		BackupRetentionPeriod:    pulumi.Int(a.BackupRetentionDays),
		CopyTagsToSnapshot:       pulumi.Bool(true),
		DeletionProtection:       pulumi.Bool(true),
		FinalSnapshotIdentifier:  pulumi.Sprintf("%s-%s", last, life.Hex),
		AutoMinorVersionUpgrade:  pulumi.Bool(true),
		ApplyImmediately:         pulumi.Bool(true),
		AllowMajorVersionUpgrade: pulumi.Bool(false),
		Tags:                     a.tags(),
	}, pulumi.Parent(out), pulumi.Protect(true))
	if err != nil {
		return fmt.Errorf("register the database: %w", err)
	}
	out.Endpoint = instance.Endpoint
	return nil
}
