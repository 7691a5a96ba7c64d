package contract

import (
	"regexp"
	"strings"

	"webstack/naming"
)

// Names of things in the account that whoever operates the stack looks for by their name. Limits are AWS's, in
// characters.
const (
	maxBucketStem = 63 - 8 // leaves room for what Pulumi adds
	maxRoleName   = 64
	maxAlias      = 256 - len("alias/")
	maxDatabase   = 63
)

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// NamePrefix starts most physical names of a stack. It is in the characters that every service takes, S3 with its lower
// case included.
func NamePrefix(project, stack string) string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(project+"-"+stack), "-"), "-")
}

// BackupBucketStem is the beginning of the backup bucket's name when the config gives none: a dash and random
// characters follow.
func BackupBucketStem(prefix string) string { return naming.Name(maxBucketStem, prefix, "backups") }

// DeployRoleName is the name of the role by which an app's workflow deploys.
func DeployRoleName(project, stack, app string) string {
	return naming.Name(maxRoleName, project, stack, "deploy", app)
}

// SecretsAlias is the alias of the key that the stack's secret parameters are encrypted with.
func SecretsAlias(project, stack string) string {
	return "alias/" + naming.Name(maxAlias, project, stack)
}

// DatabaseIdentifier names the RDS instance of a stack with an external Postgres.
func DatabaseIdentifier(prefix string) string { return naming.Name(maxDatabase, prefix, "postgres") }
