package render

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"webstack/contract"
)

// Files are the text files of the bundle, and what else the host must know.
type Files struct {
	// Compose is the Compose file, Caddyfile the Caddyfile.
	Compose, Caddyfile []byte
	manifest           contract.Manifest
}

// Render renders the files. The same input gives the same bytes, whatever the order of its apps and maps. It refuses an
// input that would give a broken or misleading file, and reports all problems at once.
func Render(in Input) (Files, error) {
	in.Apps = slices.SortedFunc(slices.Values(in.Apps), func(a, b App) int { return cmp.Compare(a.Name, b.Name) })
	if err := checkInput(in); err != nil {
		return Files{}, err
	}
	composeText, err := renderCompose(in)
	if err != nil {
		return Files{}, err
	}
	caddyText, err := renderCaddyfile(in)
	if err != nil {
		return Files{}, err
	}
	r := Files{Compose: composeText, Caddyfile: caddyText, manifest: describe(in)}
	r.manifest.Files = []contract.File{
		textFile(contract.ComposePath, composeText),
		textFile(contract.CaddyfilePath, caddyText),
	}
	return r, r.manifest.Validate()
}

// Manifest returns the manifest of the bundle with the rendered files and the given ones.
func (r Files) Manifest(more ...contract.File) (contract.Manifest, error) {
	m := r.manifest
	m.Files = slices.Concat(m.Files, more)
	return m, m.Validate()
}

func textFile(path string, content []byte) contract.File {
	return contract.File{
		Path: path, SHA256: contract.Sum(content), Size: int64(len(content)), Mode: contract.ModeData,
	}
}

// describe returns the manifest without files.
func describe(in Input) contract.Manifest {
	m := contract.Manifest{
		Version: contract.Version, Project: in.Project, Stack: in.Stack, Region: in.Region, StackDir: in.StackDir,
		EdgeSubnet:       in.EdgeSubnet,
		Notify:           in.Notify,
		Web:              shareMemory(in.HostMemoryMb).web(proxies(in.Apps)),
		ExternalPostgres: in.ExternalPostgres, PostgresUser: in.PostgresUser, PostgresDefaultDb: in.PostgresDefaultDb,
	}
	for _, app := range in.Apps {
		m.Apps = append(m.Apps, contract.ManifestApp{
			Name: app.Name, Domain: app.Domain, Port: app.Port, HealthPath: app.HealthPath,
			Repository: app.Repository, Database: app.Name, MemoryMb: app.MemoryMb,
			StartTimeoutSeconds: app.StartTimeoutSeconds, DrainTimeoutSeconds: app.DrainTimeoutSeconds,
			StopGraceSeconds: app.StopGraceSeconds,
			ReleaseCommand:   app.ReleaseCommand, ReleaseTimeoutSeconds: app.ReleaseTimeoutSeconds,
			DbConnections: app.DbConnections, SecureEnv: slices.Sorted(slices.Values(app.SecureEnv)),
		})
	}
	return m
}

var (
	imageRE = regexp.MustCompile(`^[a-z0-9.:/_-]+$`)
)

// checkInput refuses what can be marshalled but would be misread by Compose or the host. Package config has refused
// most of it with better messages; this check protects other callers of Render.
func checkInput(in Input) error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	if err := contract.CheckStackDir(in.StackDir); err != nil {
		problems = append(problems, fmt.Errorf("stackDir: %w", err))
	}
	seen := map[string]bool{contract.CaddyService: true, contract.PostgresService: true}
	for _, app := range in.Apps {
		at := "apps." + app.Name
		// Docker's DNS also knows containers by their names: requests for another container would reach the app.
		check(!seen[app.Name] && !strings.HasPrefix(app.Name, contract.ComposeProject+"-"), "%s: the name is in use", at)
		seen[app.Name] = true
		check(imageRE.MatchString(app.Repository), "%s: %q is not an image repository", at, app.Repository)
		for _, name := range slices.Sorted(maps.Keys(app.EnvPlain)) {
			value := app.EnvPlain[name]
			if err := contract.CheckEnvName(name); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", at, err))
			}
			check(utf8.ValidString(value) && !strings.ContainsRune(value, 0), "%s: %s is not UTF-8 text without NUL", at, name)
		}
	}
	active := slices.ContainsFunc(in.Apps, func(a App) bool { return a.Name == in.ActiveApp })
	check(active || len(in.Apps) == 0, "activeApp: %q is not an app", in.ActiveApp)
	if len(problems) > 0 {
		return fmt.Errorf("render stack: %w", errors.Join(problems...))
	}
	return nil
}
