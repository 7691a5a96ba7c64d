package dbbackup

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/ssmdoc"
)

// TypeToken is the component's type.
const TypeToken = "webstack:dbbackup:DbBackup"

// Args say where backups go, how often, and for how long.
type Args struct {
	// Project and Stack name the documents and the tag by which the host is found.
	Project, Stack string
	// NamePrefix starts the generated name of the bucket, usually "<project>-<stack>".
	NamePrefix string
	// BucketName is the bucket's name; "" has one generated.
	BucketName string
	// RetentionDays is how long backups are kept, 1 at least.
	RetentionDays int
	// Schedule is State Manager's expression, such as "cron(15 3 ? * * *)". Times are UTC.
	Schedule string
	// StackDir is the stack directory on the host.
	StackDir string
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

// builder carries what the steps of New share.
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
		"schedule":      pulumi.String(args.Schedule),
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

// check finds everything wrong with the arguments.
func (a *Args) check() error {
	var problems []error
	if a.RetentionDays < 1 {
		problems = append(problems, fmt.Errorf("keep backups for %d days: give 1 at least", a.RetentionDays))
	}
	if a.Schedule == "" {
		problems = append(problems, errors.New("schedule backups: give a cron expression"))
	}
	if err := ssmdoc.CheckStackDir(a.StackDir); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
