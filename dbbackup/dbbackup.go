package dbbackup

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
)

// TypeToken is the component's type.
const TypeToken = "webstack:dbbackup:DbBackup"

// Args say where backups are stored, how often they are made, and how long they are kept.
type Args struct {
	// Project and Stack name the documents and the tag by which the host is found.
	Project, Stack string
	// NamePrefix starts the generated name of the bucket, usually "<project>-<stack>".
	NamePrefix string
	// BucketName is the bucket's name; "" generates one.
	BucketName string
	// StackDir is the stack directory on the host.
	StackDir string
	// Schedule is a cron expression of State Manager; "" makes backups only on demand.
	Schedule string
	// RetentionDays is how long backups are kept, at least 1.
	RetentionDays int
	// HostRoleArn is the role of the host, which may add backups but not remove or replace them.
	HostRoleArn string
}

// DbBackup is the component.
type DbBackup struct {
	pulumi.ResourceState

	BucketName pulumi.StringOutput
	BucketArn  pulumi.StringOutput
	// BackupDocument and RestoreDocument are the names of the documents.
	BackupDocument  pulumi.StringOutput
	RestoreDocument pulumi.StringOutput
}

// builder holds what the steps of New share.
type builder struct {
	ctx    *pulumi.Context
	name   string
	args   *Args
	parent pulumi.ResourceOption
	out    *DbBackup
}

// New registers the bucket, the documents and the schedule.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*DbBackup, error) {
	if err := args.check(); err != nil {
		return nil, err
	}
	out := &DbBackup{}
	if err := ctx.RegisterComponentResourceV2(TypeToken, name, pulumi.Map{
		"retentionDays": pulumi.Int(args.RetentionDays),
	}, out, opts...); err != nil {
		return nil, fmt.Errorf("register %s: %w", name, err)
	}
	b := &builder{ctx: ctx, name: name, args: args, parent: pulumi.Parent(out), out: out}
	if err := b.makeBucket(); err != nil {
		return nil, err
	}
	if err := b.makeDocuments(); err != nil {
		return nil, err
	}
	return out, ctx.RegisterResourceOutputs(out, pulumi.Map{
		"bucketName":      out.BucketName,
		"backupDocument":  out.BackupDocument,
		"restoreDocument": out.RestoreDocument,
	})
}

var roleRE = regexp.MustCompile(`^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_-]{1,64}$`)

// check reports all problems in the arguments.
func (a *Args) check() error {
	var problems []error
	if a.RetentionDays < 1 {
		problems = append(problems, fmt.Errorf("keep backups for %d days: use at least 1", a.RetentionDays))
	}
	if err := contract.CheckStackDir(a.StackDir); err != nil {
		problems = append(problems, fmt.Errorf("use the stack directory: %w", err))
	}
	if a.Schedule != "" && !strings.HasPrefix(a.Schedule, "cron(") {
		problems = append(problems, fmt.Errorf("make backups at %q: use a cron expression", a.Schedule))
	}
	if !roleRE.MatchString(a.HostRoleArn) {
		problems = append(problems, fmt.Errorf("let the host add backups as %q: give the ARN of its role", a.HostRoleArn))
	}
	return errors.Join(problems...)
}
