package compute

import (
	"fmt"
	"path"
	"slices"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/contract"
	"webstack/internal/iampolicy"
	"webstack/internal/naming"
)

const (
	// maxPolicyName is IAM's limit.
	maxPolicyName = 128
	// ssmPolicy is what the SSM agent needs. The better-known AmazonSSMManagedInstanceCore would let the host read every
	// parameter of the account.
	ssmPolicy = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
)

// Access is what the host may access besides Systems Manager itself.
type Access struct {
	// KmsKeyArn is the key of the stack's secret parameters.
	KmsKeyArn pulumi.StringInput
	// ArtifactsBucketArn holds the bundle.
	ArtifactsBucketArn pulumi.StringInput
	// BackupBucketArn is the bucket for backups; nil without backups.
	BackupBucketArn pulumi.StringInput
	// Apps are the sorted names of the apps. Each may have its own certificate in Parameter Store.
	Apps []string
}

// makeRole registers the role and its instance profile, and returns the profile's name.
func (b *builder) makeRole() (pulumi.StringInput, error) {
	role, err := iam.NewRole(b.ctx, b.name, &iam.RoleArgs{
		Name:        pulumi.String(contract.HostRoleName(b.args.NamePrefix)),
		Description: pulumi.String("The host of " + contract.StackTagValue(b.args.Project, b.args.Stack)),
		AssumeRolePolicy: iampolicy.Document(iampolicy.Statement{
			Principal: map[string]any{"Service": "ec2.amazonaws.com"}, Action: []string{"sts:AssumeRole"},
		}),
		Tags: b.tags("host", false),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("register the host's role: %w", err)
	}
	b.out.RoleName = role.Name
	ssm, err := iam.NewRolePolicyAttachment(b.ctx, b.name+"-ssm", &iam.RolePolicyAttachmentArgs{
		Role: role.Name, PolicyArn: pulumi.String(ssmPolicy),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("register the host's SSM policy: %w", err)
	}
	host, err := iam.NewRolePolicy(b.ctx, b.name, &iam.RolePolicyArgs{
		Name: pulumi.String("host"), Role: role.Name, Policy: iampolicy.Document(b.statements()...),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("register the host's policy: %w", err)
	}
	b.policies = []pulumi.Resource{ssm, host}
	if err := b.makeCertificatePolicies(role); err != nil {
		return nil, err
	}
	profile, err := iam.NewInstanceProfile(b.ctx, b.name, &iam.InstanceProfileArgs{
		Name: pulumi.String(contract.HostRoleName(b.args.NamePrefix)), Role: role.Name,
		Tags: b.tags("host", false),
	}, b.parent)
	if err != nil {
		return nil, fmt.Errorf("register the host's instance profile: %w", err)
	}
	return profile.Name, nil
}

// statements are what the host may do.
func (b *builder) statements() []iampolicy.Statement {
	access, base := b.args.Access, contract.BasePath(b.args.Project, b.args.Stack)
	out := []iampolicy.Statement{
		{
			Sid:      "ReadParameters",
			Action:   []string{"ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"},
			Resource: []any{b.parameter(base), b.parameter(base + "/*")}, // a read by path is checked on the path itself
		},
		{
			Sid:    "RecordReleases",
			Action: []string{"ssm:PutParameter"},
			Resource: []any{
				b.parameter(contract.AppReleaseParam(base, "*")), b.parameter(contract.AppDeployParam(base, "*")),
			},
		},
		{
			Sid:    "ReadDeploys",
			Action: []string{"ssm:GetParameterHistory"}, Resource: []any{b.parameter(contract.AppDeployParam(base, "*"))},
		},
		{
			Sid:    "DecryptParameters",
			Action: []string{"kms:Decrypt"}, Resource: []any{access.KmsKeyArn},
			Condition: iampolicy.Condition{"StringEquals": {"kms:ViaService": {"ssm." + b.args.Region + ".amazonaws.com"}}},
		},
		{
			Sid:    "ReadBundle",
			Action: []string{"s3:GetObject"}, Resource: []any{objects(access.ArtifactsBucketArn, contract.BundlePrefix)},
		},
	}
	return append(append(out, b.imageStatements()...), b.backupStatements()...)
}

// imageStatements let the host pull and pin the images of the stack's apps. They select the repositories by their tag: a
// list of 200 would not fit into a role's policies (10,240 characters in total).
func (b *builder) imageStatements() []iampolicy.Statement {
	repositories := []any{"arn:aws:ecr:" + b.args.Region + ":" + b.args.AccountID + ":repository/*"}
	ours := iampolicy.Condition{"StringEquals": {
		"aws:ResourceTag/" + contract.TagStack: {contract.StackTagValue(b.args.Project, b.args.Stack)},
	}}
	return []iampolicy.Statement{
		{
			Sid:    "Login",
			Action: []string{"ecr:GetAuthorizationToken"}, Resource: []any{"*"}, // does not support a resource
		},
		{
			Sid:    "Pull",
			Action: []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, Resource: repositories, Condition: ours,
		},
		{
			// The host cannot upload layers, and tags are immutable: it can only give names to what is there.
			Sid:    "PinImages",
			Action: []string{"ecr:PutImage"}, Resource: repositories, Condition: ours,
		},
	}
}

// backupStatements let the host add and read backups, but not delete them: it has no access to versions and to the
// bucket's lifecycle. The bucket's policy lets it replace only the copies of the newest backups, whose old versions stay.
func (b *builder) backupStatements() []iampolicy.Statement {
	bucket := b.args.Access.BackupBucketArn
	if bucket == nil {
		return nil
	}
	return []iampolicy.Statement{
		{
			Sid:      "WriteAndReadBackups",
			Action:   []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"},
			Resource: []any{objects(bucket, contract.BackupPrefix), objects(bucket, contract.NewestBackupPrefix)},
		},
		{
			Sid:    "ListBackups",
			Action: []string{"s3:ListBucket"}, Resource: []any{bucket},
			Condition: iampolicy.Condition{"StringLike": {"s3:prefix": {
				contract.BackupPrefix + "*", contract.NewestBackupPrefix + "*",
			}}},
		},
	}
}

func (b *builder) parameter(name string) string {
	return "arn:aws:ssm:" + b.args.Region + ":" + b.args.AccountID + ":parameter" + name
}

// objects returns the ARN of all objects of a bucket below a prefix.
func objects(bucket pulumi.StringInput, prefix string) pulumi.StringOutput {
	return pulumi.Sprintf("%s/%s*", bucket, prefix)
}

// certificatesPerPolicy keeps a policy below IAM's 6,144 characters: the ARN of an app has at most 88.
const certificatesPerPolicy = 60

// maxAttachedPolicies is IAM's default quota of managed policies on a role; one of them is the SSM agent's.
const maxAttachedPolicies = 10

// maxApps is the number of apps whose certificates the host's policies can name.
const maxApps = (maxAttachedPolicies - 1) * certificatesPerPolicy

// makeCertificatePolicies lets the host read the certificates that people store in Parameter Store for their apps,
// each by its name. These are separate policies because many apps do not fit into one.
func (b *builder) makeCertificatePolicies(role *iam.Role) error {
	for i, apps := range slices.Collect(slices.Chunk(b.args.Access.Apps, certificatesPerPolicy)) {
		var parameters []any
		for _, app := range apps {
			// The stack's own path is below its base path, which ReadParameters allows.
			shared := contract.AppCertificateParams("", app)[1]
			parameters = append(parameters, b.parameter(path.Dir(shared.Cert)+"/*"))
		}
		label := fmt.Sprintf("certificates-%d", i+1)
		policy, err := iam.NewPolicy(b.ctx, b.name+"-"+label, &iam.PolicyArgs{
			Name:        pulumi.String(naming.Name(maxPolicyName, b.args.NamePrefix, "host", label)),
			Description: pulumi.String("Lets the host read the apps' own certificates"),
			Policy: iampolicy.Document(iampolicy.Statement{
				Sid: "ReadCertificates", Action: []string{"ssm:GetParameter", "ssm:GetParameters"}, Resource: parameters,
			}),
			Tags: b.tags("host", false),
		}, b.parent)
		if err != nil {
			return fmt.Errorf("register the policy %s: %w", label, err)
		}
		attachment, err := iam.NewRolePolicyAttachment(b.ctx, b.name+"-"+label, &iam.RolePolicyAttachmentArgs{
			Role: role.Name, PolicyArn: policy.Arn,
		}, b.parent)
		if err != nil {
			return fmt.Errorf("attach the policy %s: %w", label, err)
		}
		b.policies = append(b.policies, attachment)
	}
	return nil
}
