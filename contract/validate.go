package contract

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"webstack/internal/lazyregexp"
)

var (
	projectRE = lazyregexp.New(`^[A-Za-z0-9_.-]{1,100}$`)
	domainRE  = lazyregexp.New(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	imageRE   = lazyregexp.New(`^[a-z0-9.:-]+(/[a-z0-9._-]+)+$`)
	healthRE  = lazyregexp.New(`^/[!-~]*$`)
	fileRE    = lazyregexp.New(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
)

// problems collects problems, so that all of them are reported at once.
type problems []error

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// add adds an error about what is at a place in the manifest.
func (p *problems) add(at string, err error) {
	if err != nil {
		*p = append(*p, fmt.Errorf("%s: %w", at, err))
	}
}

// Validate reports every violation of what the comments of the manifest's fields demand.
func (m Manifest) Validate() error {
	var p problems
	p.check(m.Version == Version, "version: %d is not %d; use the host program of the same bundle", m.Version, Version)
	p.check(projectRE.MatchString(m.Project), "project: %q is not 1..100 letters, digits and _.-", m.Project)
	p.check(projectRE.MatchString(m.Stack), "stack: %q is not 1..100 letters, digits and _.-", m.Stack)
	p.add("region", CheckRegion(m.Region))
	p.add("stackDir", CheckStackDir(m.StackDir))
	p.check(isIdentifier(m.PostgresUser), "postgresUser: %q is not 1..63 bytes without control characters", m.PostgresUser)
	p.check(isIdentifier(m.PostgresDefaultDb),
		"postgresDefaultDb: %q is not 1..63 bytes without control characters", m.PostgresDefaultDb)
	if _, err := ParseEdge(m.EdgeSubnet); m.EdgeSubnet != "" {
		p.add("edgeSubnet", err)
	}
	p.checkWeb(m.Web)
	p.check((m.Notify.EmailFrom == "") == (m.Notify.EmailTo == ""), "notify: emailFrom and emailTo need each other")
	p.checkApps(m.Apps)
	p.checkFiles(m.Files)
	return errors.Join(p...)
}

func (p *problems) checkWeb(w Web) {
	if w.Connections == 0 && w.ConnectionsPerAddress == 0 && len(w.Proxies) == 0 {
		return
	}
	p.check(w.Connections >= 1, "web.connections: %d is less than 1", w.Connections)
	p.check(w.ConnectionsPerAddress >= 1, "web.connectionsPerAddress: %d is less than 1", w.ConnectionsPerAddress)
	for i, cidr := range w.Proxies {
		_, err := netip.ParsePrefix(cidr)
		p.check(err == nil, "web.proxies[%d]: %q is not a network in CIDR notation", i, cidr)
	}
}

func (p *problems) checkApps(apps []ManifestApp) {
	seen := map[string]bool{}
	for i, a := range apps {
		at := fmt.Sprintf("apps[%d]", i)
		p.add(at+".name", CheckAppName(a.Name))
		p.check(!seen[a.Name], "%s.name: %q is listed twice", at, a.Name)
		seen[a.Name] = true
		p.check(domainRE.MatchString(a.Domain), "%s.domain: %q is not a lower-case domain name", at, a.Domain)
		p.check(a.Port >= 1 && a.Port <= 65535, "%s.port: %d is not 1..65535", at, a.Port)
		p.check(healthRE.MatchString(a.HealthPath), "%s.healthPath: %q is not a URL path that begins with /", at, a.HealthPath)
		p.check(imageRE.MatchString(a.Repository), "%s.repository: %q is not an image repository", at, a.Repository)
		p.check(isIdentifier(a.Database), "%s.database: %q is not 1..63 bytes without control characters", at, a.Database)
		p.check(a.MemoryMb >= 6, "%s.memoryMb: %d is less than 6", at, a.MemoryMb)
		p.check(a.StartTimeoutSeconds >= 1, "%s.startTimeoutSeconds: %d is less than 1", at, a.StartTimeoutSeconds)
		p.check(a.DrainTimeoutSeconds >= 0, "%s.drainTimeoutSeconds: %d is less than 0", at, a.DrainTimeoutSeconds)
		p.check(a.StopGraceSeconds >= 1, "%s.stopGraceSeconds: %d is less than 1", at, a.StopGraceSeconds)
		p.check(len(a.ReleaseCommand) == 0 || a.ReleaseTimeoutSeconds >= 1, "%s.releaseTimeoutSeconds: %d is less than 1", at,
			a.ReleaseTimeoutSeconds)
		p.check(a.DbConnections >= 0 && a.DbConnections <= 1000, "%s.dbConnections: %d is not 0..1000", at, a.DbConnections)
		names := map[string]bool{}
		for j, name := range a.SecureEnv {
			p.add(fmt.Sprintf("%s.secureEnv[%d]", at, j), CheckEnvName(name))
			p.check(!names[name], "%s.secureEnv[%d]: %q is listed twice", at, j, name)
			names[name] = true
		}
	}
}

func (p *problems) checkFiles(files []File) {
	seen := map[string]bool{}
	for i, f := range files {
		at := fmt.Sprintf("files[%d]", i)
		p.check(isFilePath(f.Path), "%s.path: %q is not a clean relative path of letters, digits and /._-", at, f.Path)
		p.check(!isHostPath(f.Path), "%s.path: %q is a path that the host writes itself", at, f.Path)
		p.check(!seen[f.Path], "%s.path: %q is listed twice", at, f.Path)
		seen[f.Path] = true
		p.add(at+".sha256", CheckSHA256(f.SHA256))
		p.check(f.Size >= 0 && f.Size <= MaxFileBytes, "%s.size: %d is not 0..%d", at, f.Size, MaxFileBytes)
		p.check(slices.Contains([]string{ModeData, ModePrivate, ModeProgram}, f.Mode),
			"%s.mode: %q is not %s, %s or %s", at, f.Mode, ModeData, ModePrivate, ModeProgram)
	}
	for i, f := range files {
		for dir := path.Dir(f.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
			p.check(!seen[dir], "files[%d].path: %q is in %q, which is a file", i, f.Path, dir)
		}
	}
}

// isFilePath reports whether s is relative and clean, so that joined to a directory it stays below it.
func isFilePath(s string) bool {
	return len(s) <= MaxPathBytes && fileRE.MatchString(s) && path.Clean(s) == s &&
		s != "." && s != ".." && !strings.HasPrefix(s, "../")
}

// isHostPath reports whether s is, contains or is below a path that the host writes itself, or would have the
// manifest's key in the bucket.
func isHostPath(s string) bool {
	if BundlePrefix+s == ManifestKey {
		return true
	}
	for _, own := range []string{
		path.Dir(ManifestPath), LockPath, ComposeEnvPath, StateDir, EnvDir, TLSDir, SitesDir, HostsPath,
	} {
		if s == own || strings.HasPrefix(s, own+"/") || strings.HasPrefix(own, s+"/") {
			return true
		}
	}
	return false
}

// isIdentifier reports whether s, if quoted, can be the name of a database or role in Postgres.
func isIdentifier(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
