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

// AppReleaseParam names the String that says which release of an app is live: what ParseRelease takes, or NoRelease. It
// is made and removed with the app, so that an app that is added again does not begin with the release of a repository
// that is gone. In between, the host writes it.
func AppReleaseParam(base, app string) string { return base + "/apps/" + app + "/release" }

// CertificateParams name the two parameters of a place where people put an app's own certificate: the chain and its
// private key, both PEM.
type CertificateParams struct{ Cert, Key string }

// AppCertificateParams are the places of an app's own certificate. The first that has anything counts: that of the stack,
// and then the one without project and stack in it, which all stacks of an account share that have an app of this name.
// The stack's place is not below those that the host reads as a whole, so that a parameter there which cannot be decrypted
// concerns this app alone.
func AppCertificateParams(base, app string) []CertificateParams {
	return []CertificateParams{
		{base + "/" + app + "/ssl/cert", base + "/" + app + "/ssl/key"},
		{"/" + app + "/ssl/cert", "/" + app + "/ssl/key"},
	}
}

// OwnPaths are the paths below which everything is the stack's own and read as a whole.
func OwnPaths(base string) []string { return []string{base + "/apps", base + "/postgres"} }

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
