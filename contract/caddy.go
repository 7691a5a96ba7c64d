package contract

import (
	"net"
	"strconv"
)

// CaddyAdminSocket is the Unix socket of Caddy's admin API on the host, mode 0600. A request over it needs no
// particular Host header. POST /load takes a Caddyfile with Content-Type text/caddyfile; its imports are relative to
// the directory of the Caddyfile. GET /reverse_proxy/upstreams counts the requests in flight, open WebSockets included,
// by the address in the app's upstream file; an address without any is not listed.
const CaddyAdminSocket = CaddyDataDir + "/admin.sock"

// CertificateFile is the file in an app's directory under caddy/tls that its vhost imports.
const CertificateFile = "Caddyfile"

// Files of an app's own certificate, in the same directory.
const (
	// CertFile is the certificate chain in PEM, the app's certificate first.
	CertFile = "tls.crt"
	// KeyFile is the private key in PEM.
	KeyFile = "tls.key"
)

// Upstream is the content of caddy/upstreams/APP: the app's live container, by its name (see ContainerName), and the
// port it listens on. It names the container and not the service: while a deploy runs, the service has two. Caddy reads
// the file for every request, so to replace it, by rename, is to switch, without a reload: Caddy drops a request that
// arrives on a new HTTP/1.1 connection in the moment of a reload. Without the file Caddy answers 503 with a page that
// says that the app is not deployed yet.
func Upstream(container string, port int) []byte {
	return []byte(net.JoinHostPort(container, strconv.Itoa(port)) + "\n")
}

// AutomaticCertificate leaves the certificate of an app to Caddy, by the issuer that its vhost names.
func AutomaticCertificate() []byte { return []byte("import {args[0]}\n") }

// OwnCertificate makes an app's vhost use CertFile and KeyFile in the app's directory. Caddy reads them when it
// loads its config; new files with the same config need a reload that is forced (Cache-Control: must-revalidate).
func OwnCertificate(app string) []byte { return []byte("import own-certificate " + app + "\n") }
