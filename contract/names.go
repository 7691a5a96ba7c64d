package contract

// TagStack is the tag of the instance and its data volume, by which Systems Manager and the operator's command find
// them. Its value is StackTagValue.
const TagStack = "webstack:stack"

// StackTagValue returns the value of TagStack: "<project>/<stack>".
func StackTagValue(project, stack string) string { return project + "/" + stack }

// BasePath returns the path of all parameters of a stack in Parameter Store: "/<project>/<stack>". Parameter Store
// allows letters, digits and "_.-" in at most 15 levels, and 1,011 characters in total.
func BasePath(project, stack string) string { return "/" + project + "/" + stack }

// PostgresPasswordParam names the SecureString with the password of the Postgres superuser.
func PostgresPasswordParam(base string) string { return base + "/postgres/password" }

// PostgresHostParam names the String with "host:port" of an external Postgres. It exists only with one.
func PostgresHostParam(base string) string { return base + "/postgres/host" }

// SlackWebhookParam names the SecureString with the webhook that posts to Slack. It exists only with one.
func SlackWebhookParam(base string) string { return base + "/notify/slack-webhook-url" }

// ResendKeyParam names the SecureString with Resend's API key. It exists only with one.
func ResendKeyParam(base string) string { return base + "/notify/resend-api-key" }

// AppDatabasePasswordParam names the SecureString with the password of an app's database role.
func AppDatabasePasswordParam(base, app string) string {
	return base + "/apps/" + app + "/database-password"
}

// AppEnvParam names the SecureString with the value of one secure environment variable of an app.
func AppEnvParam(base, app, name string) string { return base + "/apps/" + app + "/env/" + name }

// AppReleaseParam names the String with the live release of an app: what ParseRelease accepts, or NoRelease. It is
// created and deleted with the app, so that an app that is added again does not start with a release from a deleted
// repository. In between, the host writes it.
func AppReleaseParam(base, app string) string { return base + "/apps/" + app + "/release" }

// CertificateParams names the two parameters in which people store an app's own certificate: the chain and its private
// key, both PEM.
type CertificateParams struct{ Cert, Key string }

// AppCertificateParams returns the possible parameters of an app's own certificate. The first that exist count: those
// of the stack, then those without project and stack, which all stacks of an account share that have an app with this
// name. The stack's own are not below the paths that the host reads as a whole, so that a parameter that cannot be
// decrypted affects only this app.
func AppCertificateParams(base, app string) []CertificateParams {
	return []CertificateParams{
		{base + "/" + app + "/ssl/cert", base + "/" + app + "/ssl/key"},
		{"/" + app + "/ssl/cert", "/" + app + "/ssl/key"},
	}
}

// OwnPaths returns the paths below which every parameter belongs to the stack. The host reads them as a whole.
func OwnPaths(base string) []string { return []string{base + "/apps", base + "/postgres"} }

// Keys in the artifacts bucket.
const (
	// BundlePrefix precedes the path of every file of the bundle.
	BundlePrefix = "bundle/"
	// ManifestKey is the key of the manifest.
	ManifestKey = BundlePrefix + "manifest.json"
)

// Prefixes in the backup bucket.
const (
	// BackupPrefix precedes every object of a backup: see BackupKey.
	BackupPrefix = "postgres/backups/"
	// NewestBackupPrefix precedes the copy of the newest verified backup of each database: see NewestBackupKey.
	NewestBackupPrefix = "postgres/newest/"
)
