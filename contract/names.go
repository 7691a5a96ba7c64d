package contract

// TagStack is the tag on the instance and on its data volume by which Systems Manager and the operator's command
// find them. Its value is StackTagValue.
const TagStack = "webstack:stack"

// StackTagValue is the value of TagStack: "<project>/<stack>".
func StackTagValue(project, stack string) string { return project + "/" + stack }

// BasePath is the path under which all parameters of a stack stand in Parameter Store: "/<project>/<stack>".
// Parameter Store allows letters, digits and "_.-" in each of at most 15 levels and 1,011 characters in all.
func BasePath(project, stack string) string { return "/" + project + "/" + stack }

// PostgresPasswordParam names the SecureString with the password of the Postgres superuser.
func PostgresPasswordParam(base string) string { return base + "/postgres/password" }

// PostgresHostParam names the String with "host:port" of an external Postgres. It exists only with one.
func PostgresHostParam(base string) string { return base + "/postgres/host" }

// AppDatabasePasswordParam names the SecureString with the password of an app's database role.
func AppDatabasePasswordParam(base, app string) string {
	return base + "/apps/" + app + "/database-password"
}

// AppEnvParam names the SecureString with the value of one secure environment variable of an app.
func AppEnvParam(base, app, name string) string { return base + "/apps/" + app + "/env/" + name }

// AppReleaseParam names the String that says which release of an app is live. The host writes it.
func AppReleaseParam(base, app string) string { return base + "/apps/" + app + "/release" }

// AppCertParam names the parameter with an app's own certificate chain (PEM). People put it there.
func AppCertParam(app string) string { return "/" + app + "/ssl/cert" }

// AppKeyParam names the parameter with the private key of an app's own certificate (PEM).
func AppKeyParam(app string) string { return "/" + app + "/ssl/key" }

// Keys in the artifacts bucket.
const (
	// BundlePrefix precedes the path of every file of the bundle.
	BundlePrefix = "bundle/"
	// ManifestKey is the key of the manifest.
	ManifestKey = BundlePrefix + "manifest.json"
)

// BackupPrefix precedes every object of a backup in the backup bucket.
const BackupPrefix = "postgres/backups/"

// BackupManifest ends the key of the object that is written last: BackupPrefix, the backup's date, "/", and this. What
// has none is no backup.
const BackupManifest = "manifest.json"
