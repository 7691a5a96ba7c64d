package contract

import "path"

// DataDir is where the data volume is mounted on the host.
const DataDir = "/var/lib/webstack"

// Directories on the data volume.
const (
	// PostgresDataDir holds the shared Postgres' cluster.
	PostgresDataDir = DataDir + "/postgres"
	// CaddyDataDir holds Caddy's certificates and ACME account; losing it means new certificates.
	CaddyDataDir = DataDir + "/caddy"
	// DumpsDir holds database dumps until they are checked and uploaded.
	DumpsDir = DataDir + "/dumps"
)

// PostgresSuperuserFile holds the name of Postgres' superuser; it belongs to the cluster and goes with it.
const PostgresSuperuserFile = DataDir + "/postgres-superuser"

// DefaultStackDir is the stack directory unless the config sets another one.
const DefaultStackDir = "/opt/webstack"

// Paths of the bundle's files, relative to the stack directory (see File.Path).
const (
	// HostProgramPath is the host program, webstackctl.
	HostProgramPath = "bin/webstackctl"
	// ComposePath is the Compose file of the stack.
	ComposePath = "compose/docker-compose.yml"
	// CaddyfilePath is Caddy's configuration; its directory is what the caddy container mounts.
	CaddyfilePath = "caddy/Caddyfile"
)

// Paths the host itself writes, relative to the stack directory. A bundle may hold none of them.
const (
	// ManifestPath is the manifest of the bundle that was applied last.
	ManifestPath = "bundle/manifest.json"
	// LockPath is the file whose lock serialises everything that changes the stack.
	LockPath = "lock"
	// ComposeEnvPath is what Compose reads beside the Compose file: the release of each app.
	ComposeEnvPath = "compose/.env"
	// StateDir is what the host program remembers from run to run.
	StateDir = "state"
	// LastRunPath says what the last converge was to bring about and what went wrong.
	LastRunPath = StateDir + "/last-run.json"
	// ReservePath takes up room on the disk that the host program frees when it needs some.
	ReservePath = StateDir + "/reserve"
	// EnvDir holds one file NAME.env (mode 0600) per app.
	EnvDir = "env"
	// TLSDir holds one directory per app with its own certificate (tls.crt, tls.key).
	TLSDir = "caddy/tls"
	// UpstreamsDir holds one file per app that says which container Caddy sends its requests to.
	UpstreamsDir = "caddy/upstreams"
)

// Paths gives the absolute paths of the host's files under a stack directory.
type Paths struct {
	// StackDir is the absolute stack directory.
	StackDir string
}

// HostProgram is the path of webstackctl.
func (p Paths) HostProgram() string { return p.join(HostProgramPath) }

// Compose is the path of the Compose file.
func (p Paths) Compose() string { return p.join(ComposePath) }

// Caddyfile is the path of the Caddyfile.
func (p Paths) Caddyfile() string { return p.join(CaddyfilePath) }

// Manifest is the path of the manifest that was applied last.
func (p Paths) Manifest() string { return p.join(ManifestPath) }

// Lock is the path of the lock file.
func (p Paths) Lock() string { return p.join(LockPath) }

// LastRun is the path of the file with the LastRun.
func (p Paths) LastRun() string { return p.join(LastRunPath) }

// AppEnv is the path of an app's env file.
func (p Paths) AppEnv(app string) string { return p.join(EnvDir, app+".env") }

// AppTLS is the directory of an app's own certificate.
func (p Paths) AppTLS(app string) string { return p.join(TLSDir, app) }

// AppUpstream is the path of the file that names an app's live container.
func (p Paths) AppUpstream(app string) string { return p.join(UpstreamsDir, app) }

func (p Paths) join(rel ...string) string { return path.Join(append([]string{p.StackDir}, rel...)...) }
