package contract

import (
	"net"
	"strconv"
)

// CaddyAdminSocket is the Unix socket of Caddy's admin API on the host, mode 0600. Requests need no particular Host
// header. POST /load accepts a Caddyfile with Content-Type text/caddyfile; its imports are relative to
// the directory of the Caddyfile. GET /reverse_proxy/upstreams counts the requests in flight, including open
// WebSockets, by the address in the app's upstream file; an address without requests is not listed.
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

// Upstream is the content of caddy/upstreams/APP: the name of the app's live container (see ContainerName) and the port
// it listens on. It names the container and not the service, which has two containers during a deploy. Caddy reads the
// file for every request, so replacing it, by rename, switches the app without a reload. A reload would drop requests
// that arrive on a new HTTP/1.1 connection at that moment. Without the file, Caddy answers 503 with a page that says
// that the app has not been deployed yet.
func Upstream(container string, port int) []byte {
	return []byte(net.JoinHostPort(container, strconv.Itoa(port)) + "\n")
}

// AutomaticCertificate lets Caddy obtain the certificate of an app from the issuer that its virtual host names.
func AutomaticCertificate() []byte { return []byte("import {args[0]}\n") }

// OwnCertificate makes an app's virtual host use CertFile and KeyFile in the app's directory. Caddy reads them when it
// loads its config; new files with the same config need a forced reload (Cache-Control: must-revalidate).
func OwnCertificate(app string) []byte { return []byte("import own-certificate " + app + "\n") }
