package hostfile

import (
	"net"
	"strconv"

	"webstack/contract"
)

// CaddyAdminSocket is the Unix socket of Caddy's admin API on the host, mode 0600. A request over it needs no
// particular Host header. POST /load takes a Caddyfile with Content-Type text/caddyfile; its imports are relative to
// the directory of the Caddyfile. GET /reverse_proxy/upstreams counts the requests in flight by address.
const CaddyAdminSocket = contract.CaddyDataDir + "/admin.sock"

// CertificateFile is the file in an app's directory under caddy/tls that its vhost imports.
const CertificateFile = "Caddyfile"

// Files of an app's own certificate, in the same directory.
const (
	// CertFile is the certificate chain in PEM, the app's certificate first.
	CertFile = "tls.crt"
	// KeyFile is the private key in PEM.
	KeyFile = "tls.key"
)

// NoRelease is the upstream of an app that has no release yet: a page with status 503.
func NoRelease() []byte { return []byte("import no-release\n") }

// ProxyTo is the upstream of an app whose live container has that name (see ContainerName) and listens on that port.
// It names the container and not the service: while a deploy runs, the service has two.
func ProxyTo(container string, port int) []byte {
	return []byte("import proxy-to " + net.JoinHostPort(container, strconv.Itoa(port)) + "\n")
}

// AutomaticCertificate leaves the certificate of an app to Caddy, by the issuer that its vhost names.
func AutomaticCertificate() []byte { return []byte("import {args[0]}\n") }

// OwnCertificate makes an app's vhost use CertFile and KeyFile in the app's directory. Caddy reads them when it
// loads its config; new files with the same config need a reload that is forced (Cache-Control: must-revalidate).
func OwnCertificate(app string) []byte { return []byte("import own-certificate " + app + "\n") }
