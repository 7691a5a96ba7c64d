package contract

import "path"

// DataDir is where the data volume is mounted on the host.
const DataDir = "/var/lib/webstack"

// Directories on the data volume.
const (
	// PostgresDataDir has the cluster of the shared Postgres.
	PostgresDataDir = DataDir + "/postgres"
	// CaddyDataDir has Caddy's certificates and ACME account; if it is lost, Caddy gets new certificates.
	CaddyDataDir = DataDir + "/caddy"
	// MaintenanceDir has a page APP.html for each app in maintenance. It is on the data volume, so that a new host knows
	// which apps are in maintenance, and Caddy's container sees it as /data/maintenance.
	MaintenanceDir = CaddyDataDir + "/maintenance"
	// DumpsDir has database dumps until they are verified and uploaded.
	DumpsDir = DataDir + "/dumps"
)

// MaintenancePage is the path of an app's page in MaintenanceDir. The app is in maintenance while it exists.
func MaintenancePage(app string) string { return MaintenanceDir + "/" + app + ".html" }

// MaxMaintenanceMessage is how long a message on that page may be, in bytes.
const MaxMaintenanceMessage = 1000

// PostgresSuperuserFile has the name of the Postgres superuser. It belongs to the cluster and moves with it.
const PostgresSuperuserFile = DataDir + "/postgres-superuser"

// RestoreRecordFile says which restore is replacing a database, so that another run can end it if it was killed. It moves
// with the cluster and the maintenance pages. A lock file is beside it.
const RestoreRecordFile = DataDir + "/restore.json"

// DefaultStackDir is the default stack directory.
const DefaultStackDir = "/opt/webstack"

// Paths of the bundle's files, relative to the stack directory (see File.Path).
const (
	// HostProgramPath is the host program, webstackctl.
	HostProgramPath = "bin/webstackctl"
	// ComposePath is the Compose file of the stack.
	ComposePath = "compose/docker-compose.yml"
	// CaddyfilePath is Caddy's configuration. The caddy container mounts its directory.
	CaddyfilePath = "caddy/Caddyfile"
)

// Paths that the host itself writes, relative to the stack directory. A bundle must not contain them.
const (
	// ManifestPath is the manifest of the last applied bundle.
	ManifestPath = "bundle/manifest.json"
	// LockPath is the lock file for everything that changes the stack.
	LockPath = "lock"
	// ComposeEnvPath is the env file of Compose, with the release of each app.
	ComposeEnvPath = "compose/.env"
	// StateDir is what the host program remembers between runs.
	StateDir = "state"
	// LastRunPath is the file with the LastRun.
	LastRunPath = StateDir + "/last-run.json"
	// DeploysDir has one directory per app with what its last deploys printed.
	DeploysDir = StateDir + "/deploys"
	// BackupLockPath is the lock file of backups.
	BackupLockPath = StateDir + "/backup.lock"
	// BackupLogsDir has what the last backups printed.
	BackupLogsDir = StateDir + "/backups"
	// RestoreLogsDir has what the last restores printed.
	RestoreLogsDir = StateDir + "/restores"
	// ReservePath occupies disk space that the host program can free when it needs some.
	ReservePath = StateDir + "/reserve"
	// EnvDir has one file NAME.env (mode 0600) per app.
	EnvDir = "env"
	// TLSDir has one directory per app with its own certificate (tls.crt, tls.key).
	TLSDir = "caddy/tls"
	// SitesDir has one file per app that says what Caddy answers for it.
	SitesDir = "caddy/sites"
	// HostsPath says which container is the live one of each app; see Hosts.
	HostsPath = "caddy/hosts"
)

// Paths returns the absolute paths of the host's files under a stack directory.
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

// Manifest is the path of the manifest of the last applied bundle.
func (p Paths) Manifest() string { return p.join(ManifestPath) }

// Lock is the path of the lock file.
func (p Paths) Lock() string { return p.join(LockPath) }

// LastRun is the path of the file with the LastRun.
func (p Paths) LastRun() string { return p.join(LastRunPath) }

// AppEnv is the path of an app's env file.
func (p Paths) AppEnv(app string) string { return p.join(EnvDir, app+".env") }

// AppTLS is the directory of an app's own certificate.
func (p Paths) AppTLS(app string) string { return p.join(TLSDir, app) }

// Hosts is the path of the file that names the live container of each app.
func (p Paths) Hosts() string { return p.join(HostsPath) }

func (p Paths) join(rel ...string) string { return path.Join(append([]string{p.StackDir}, rel...)...) }
