package workflow

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"webstack/contract"
	"webstack/internal/lazyregexp"
)

// Placeholders are in <% %>, because workflows use ${{ }} for expressions.
//
//go:embed app-workflow.yml.tmpl
var source string

// App is the data of an app's workflow. No field is secret.
type App struct {
	// Name is the app's name, Stack the stack's.
	Name, Stack string
	// URL is where visitors find the app.
	URL string
	// GithubRepo is the repository as owner/name, Branch the branch whose pushes are deployed.
	GithubRepo, Branch string
	// Arch is the host's architecture: arm64 or amd64.
	Arch string
	// Region is the AWS region, and RoleArn the role to assume there.
	Region, RoleArn string
	// Registry is the host name of the image registry, Repository the app's repository in it.
	Registry, Repository string
	// Document is the name of the app's deploy document.
	Document string
	// InstanceParam is the name of the parameter with the instance's ID.
	InstanceParam string
	// DeployMinutes is how long a deploy may take.
	DeployMinutes int
}

// buildMinutes is how long the steps before the deploy may take.
const buildMinutes = 60

// runners are GitHub's, by architecture, so that images are built without emulation.
var runners = map[string]string{"arm64": "ubuntu-24.04-arm", "amd64": "ubuntu-24.04"}

// Text returns the workflow. It fails if a value contains a character that could end its string in YAML, or that means
// something to a shell or in an expression: allowed are letters, digits and "._:/@+=,-".
func (a App) Text() ([]byte, error) {
	runner, ok := runners[a.Arch]
	if !ok {
		return nil, fmt.Errorf("write the workflow of %q: GitHub has no runner for the architecture %q", a.Name, a.Arch)
	}
	values := map[string]string{
		"Name": a.Name, "Stack": a.Stack, "URL": a.URL, "GithubRepo": a.GithubRepo, "Branch": a.Branch, "Arch": a.Arch,
		"Region": a.Region, "RoleArn": a.RoleArn, "Registry": a.Registry, "Repository": a.Repository, "Document": a.Document,
		"InstanceParam": a.InstanceParam, "Runner": runner, "DeployMinutes": strconv.Itoa(a.DeployMinutes),
		"JobMinutes": strconv.Itoa(buildMinutes + a.DeployMinutes), "MaxOutput": strconv.Itoa(contract.MaxOutput),
	}
	var problems []error
	// Bash knows only groups that capture.
	pairs := []string{"<% ReleasePattern %>", strings.ReplaceAll(contract.ReleasePattern, "(?:", "(")}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		problems = append(problems, check(name, values[name]))
		pairs = append(pairs, "<% "+name+" %>", values[name])
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("write the workflow of %q: %w", a.Name, err)
	}
	return []byte(strings.NewReplacer(pairs...).Replace(source)), nil
}

var plainRE = lazyregexp.New(`^[A-Za-z0-9_/][A-Za-z0-9._:/@+=,-]*$`)

// check refuses what is more than text between single quotes in YAML, in a shell, or in a comment.
func check(name, value string) error {
	if !plainRE.MatchString(value) {
		return fmt.Errorf("%s: %q cannot be used in a workflow: allowed are letters, digits and ._:/@+=,-", name, value)
	}
	return nil
}
