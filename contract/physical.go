package contract

import (
	"regexp"
	"strings"

	"webstack/internal/naming"
)

// Names of things in the account that whoever operates the stack looks for by their name. Limits are AWS's, in
// characters.
const (
	maxBucketStem = 63 - 8 // leaves room for what Pulumi adds
	maxRoleName   = 64
	maxAlias      = 256 - len("alias/")
	maxDatabase   = 63
)

var (
	notInNames = regexp.MustCompile(`[^a-z0-9]+`)
	// plainProject and plainStack stay what they are in a prefix. The last dash is between the two.
	plainProject = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)
	plainStack   = regexp.MustCompile(`^[a-z0-9]+$`)
)

// NamePrefix starts most physical names of a stack. It is in the characters that every service takes, S3 with its lower
// case included. Two stacks of an account never have the same one: where the characters alone would not tell them apart,
// such as those of "dev.eu" and "dev-eu", a hash does.
func NamePrefix(project, stack string) string {
	prefix := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(project+"-"+stack), "-"), "-")
	if plainProject.MatchString(project) && plainStack.MatchString(stack) {
		return prefix
	}
	return prefix + "-" + naming.Hash(project+"/"+stack)
}

// BackupBucketStem is the beginning of the backup bucket's name when the config gives none: a dash and random
// characters follow.
func BackupBucketStem(prefix string) string { return naming.Name(maxBucketStem, prefix, "backups") }

// HostRoleName is the name of the role of the host, and of its instance profile.
func HostRoleName(prefix string) string { return naming.Name(maxRoleName, prefix, "host") }

// HostRoleArn is the ARN of the role of the host.
func HostRoleArn(account, prefix string) string {
	return "arn:aws:iam::" + account + ":role/" + HostRoleName(prefix)
}

// DeployRoleName is the name of the role by which an app's workflow deploys.
func DeployRoleName(project, stack, app string) string {
	return naming.Name(maxRoleName, NamePrefix(project, stack), "deploy", app)
}

// SecretsAlias is the alias of the key that the stack's secret parameters are encrypted with. KMS takes letters, digits
// and "/_-" in it, and so no dots.
func SecretsAlias(project, stack string) string {
	return "alias/" + naming.Name(maxAlias, NamePrefix(project, stack))
}

// DatabaseIdentifier names the RDS instance of a stack with an external Postgres.
func DatabaseIdentifier(prefix string) string { return naming.Name(maxDatabase, prefix, "postgres") }
