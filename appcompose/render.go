package appcompose

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"webstack/config"
	"webstack/contract"
)

// RenderInput is what the rendered files depend on. All of it is known before any resource exists.
type RenderInput struct {
	// Config is the stack's config. Nothing of its secrets but their names gets into what is rendered.
	Config *config.Config
	// Project and Stack are Pulumi's names of both.
	Project, Stack string
	// Region is the AWS region.
	Region string
	// RepositoryURLs maps each app to its image repository without tag:
	// "<account>.dkr.ecr.<region>.amazonaws.com/<name>".
	RepositoryURLs map[string]string
}

// Rendered are the files of the bundle that are text, and what the host must know beside them.
type Rendered struct {
	// Compose is the Compose file, Caddyfile the Caddyfile.
	Compose, Caddyfile []byte
	manifest           contract.Manifest
}

// Render renders the files. The same input gives the same bytes, whatever the order of its apps and maps. An input
// that would give a broken or misleading file is refused, all problems at once.
func Render(in RenderInput) (Rendered, error) {
	c := *in.Config
	c.Apps = slices.SortedFunc(slices.Values(c.Apps), func(a, b config.App) int { return cmp.Compare(a.Name, b.Name) })
	in.Config = &c
	if err := checkInput(in); err != nil {
		return Rendered{}, err
	}
	composeText, err := renderCompose(in)
	if err != nil {
		return Rendered{}, err
	}
	caddyText, err := renderCaddyfile(&c)
	if err != nil {
		return Rendered{}, err
	}
	r := Rendered{Compose: composeText, Caddyfile: caddyText, manifest: describe(in)}
	r.manifest.Files = []contract.File{
		textFile(contract.ComposePath, composeText),
		textFile(contract.CaddyfilePath, caddyText),
	}
	return r, r.manifest.Validate()
}

// Manifest is the manifest of the bundle that holds the rendered files and those given.
func (r Rendered) Manifest(more ...contract.File) (contract.Manifest, error) {
	m := r.manifest
	m.Files = slices.Concat(m.Files, more)
	return m, m.Validate()
}

func textFile(path string, content []byte) contract.File {
	return contract.File{
		Path: path, SHA256: contract.Sum(content), Size: int64(len(content)), Mode: contract.ModeData,
	}
}

// describe is the manifest without files.
func describe(in RenderInput) contract.Manifest {
	c := in.Config
	m := contract.Manifest{
		Version: contract.Version, Project: in.Project, Stack: in.Stack, Region: in.Region, StackDir: c.StackDir,
		Web:              shareMemory(c).web(proxies(c)),
		ExternalPostgres: c.EnableExternalPostgres, PostgresUser: c.PostgresUser, PostgresDefaultDb: c.PostgresDefaultDb,
	}
	for _, app := range c.Apps {
		m.Apps = append(m.Apps, contract.ManifestApp{
			Name: app.Name, Domain: app.Domain, Port: app.ContainerPort, HealthPath: app.HealthPath,
			Repository: in.RepositoryURLs[app.Name], Database: app.Name, MemoryMb: app.MemoryMb,
			StartTimeoutSeconds: app.StartTimeoutSeconds, DrainTimeoutSeconds: app.DrainTimeoutSeconds,
			StopGraceSeconds: app.StopGraceSeconds,
			DbConnections:    app.DbConnections, SecureEnv: slices.Sorted(maps.Keys(app.EnvSecure)),
		})
	}
	return m
}

var (
	imageRE = regexp.MustCompile(`^[a-z0-9.:/_-]+$`)
)

// checkInput refuses what the marshallers would take and Compose or the host would misread. The config has refused
// most of it already, with better words; here it is for whoever calls Render with something else.
func checkInput(in RenderInput) error {
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	c := in.Config
	if err := contract.CheckStackDir(c.StackDir); err != nil {
		problems = append(problems, fmt.Errorf("stackDir: %w", err))
	}
	seen := map[string]bool{contract.CaddyService: true, contract.PostgresService: true}
	for _, app := range c.Apps {
		at := "apps." + app.Name
		// Docker's DNS knows containers by their names, too: requests for one would reach the app.
		check(!seen[app.Name] && !strings.HasPrefix(app.Name, contract.ComposeProject+"-"), "%s: the name is taken", at)
		seen[app.Name] = true
		repository := in.RepositoryURLs[app.Name]
		check(imageRE.MatchString(repository), "%s: %q is no image repository", at, repository)
		for _, name := range slices.Sorted(maps.Keys(app.EnvPlain)) {
			value := app.EnvPlain[name]
			if err := contract.CheckEnvName(name); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", at, err))
			}
			check(utf8.ValidString(value) && !strings.ContainsRune(value, 0), "%s: %s is not UTF-8 text without NUL", at, name)
		}
	}
	active := slices.ContainsFunc(c.Apps, func(a config.App) bool { return a.Name == c.ActiveApp })
	check(active || len(c.Apps) == 0, "activeApp: %q is no app", c.ActiveApp)
	if len(problems) > 0 {
		return fmt.Errorf("render stack: %w", errors.Join(problems...))
	}
	return nil
}
