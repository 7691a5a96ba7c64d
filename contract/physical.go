package contract

import (
	"strings"

	"webstack/internal/lazyregexp"
	"webstack/internal/naming"
)

// Names of resources that operators and tools look up by name. Limits are AWS's, in characters.
const (
	maxBucketStem = 63 - 8 // leaves room for Pulumi's suffix
	maxRoleName   = 64
	maxAlias      = 256 - len("alias/")
	maxDatabase   = 63
)

var (
	notInNames = lazyregexp.New(`[^a-z0-9]+`)
	// plainProject and plainStack match names that are used unchanged in a prefix. A dash is between the two.
	plainProject = lazyregexp.New(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)
	plainStack   = lazyregexp.New(`^[a-z0-9]+$`)
)

// NamePrefix starts most physical names of a stack. It has only characters that every service accepts, including S3
// with its lower case. Two stacks of an account never have the same prefix: a hash distinguishes names such as "dev.eu"
// and "dev-eu", which would give the same characters.
func NamePrefix(project, stack string) string {
	prefix := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(project+"-"+stack), "-"), "-")
	if plainProject.MatchString(project) && plainStack.MatchString(stack) {
		return prefix
	}
	return prefix + "-" + naming.Hash(project+"/"+stack)
}

// BackupBucketStem is the beginning of the backup bucket's name if the config sets none. A dash and random characters
// follow.
func BackupBucketStem(prefix string) string { return naming.Name(maxBucketStem, prefix, "backups") }

// HostRoleName is the name of the host's role and of its instance profile.
func HostRoleName(prefix string) string { return naming.Name(maxRoleName, prefix, "host") }

// HostRoleArn is the ARN of the host's role.
func HostRoleArn(account, prefix string) string {
	return "arn:aws:iam::" + account + ":role/" + HostRoleName(prefix)
}

// DeployRoleName is the name of the role with which an app's workflow deploys.
func DeployRoleName(project, stack, app string) string {
	return naming.Name(maxRoleName, NamePrefix(project, stack), "deploy", app)
}

// DeployRoleArn is the ARN of that role.
func DeployRoleArn(account, project, stack, app string) string {
	return "arn:aws:iam::" + account + ":role/" + DeployRoleName(project, stack, app)
}

// Registry is the host name of an account's image registry.
func Registry(account, region string) string {
	return account + ".dkr.ecr." + region + ".amazonaws.com"
}

// SecretsAlias is the alias of the key that encrypts the stack's secret parameters. KMS allows letters, digits and
// "/_-", but no dots.
func SecretsAlias(project, stack string) string {
	return "alias/" + naming.Name(maxAlias, NamePrefix(project, stack))
}

// DatabaseIdentifier is the name of the RDS instance of a stack with an external Postgres.
func DatabaseIdentifier(prefix string) string { return naming.Name(maxDatabase, prefix, "postgres") }
