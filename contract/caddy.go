package contract

// CaddyAdminSocket is the Unix socket of Caddy's admin API on the host, mode 0600. Requests need no particular Host
// header. POST /load accepts a Caddyfile with Content-Type text/caddyfile; its imports are relative to
// the directory of the Caddyfile.
const CaddyAdminSocket = CaddyDataDir + "/admin.sock"

// CertificateFile is the file in an app's directory under caddy/tls that its virtual host imports.
const CertificateFile = "Caddyfile"

// Files of an app's own certificate, in the same directory.
const (
	// CertFile is the certificate chain in PEM, the app's certificate first.
	CertFile = "tls.crt"
	// KeyFile is the private key in PEM.
	KeyFile = "tls.key"
)

// The contents of caddy/sites/APP, which an app's virtual host imports with what follows in its place: the import for
// an app that has a release. Caddy reads the file when it loads its config.

// ReleasedSite sends an app's requests to its live container; see Hosts.
func ReleasedSite() []byte { return []byte("import {args[0]} {args[1]} {args[2]}\n") }

// UnreleasedSite makes Caddy answer 503 with a page that says that the app has not been deployed yet.
func UnreleasedSite() []byte { return []byte("import unreleased\n") }

// MaintenanceSite makes Caddy answer 503 with the app's page in MaintenanceDir.
func MaintenanceSite(app string) []byte { return []byte("import maintenance " + app + "\n") }

// AutomaticCertificate lets Caddy obtain the certificate of an app from the issuer that its virtual host names.
func AutomaticCertificate() []byte { return []byte("import {args[0]}\n") }

// OwnCertificate makes an app's virtual host use CertFile and KeyFile in the app's directory. Caddy reads them when it
// loads its config; new files with the same config need a forced reload (Cache-Control: must-revalidate).
func OwnCertificate(app string) []byte { return []byte("import own-certificate " + app + "\n") }
