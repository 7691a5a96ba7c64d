package workdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"webstack/internal/laptop"
	"webstack/internal/project"
)

// Dir is the root of a clone: the folder that holds Pulumi.yaml.
type Dir string

// Find returns the root of the clone that from, a folder, lies in.
func Find(from string) (Dir, error) {
	dir, err := project.FindDir(from)
	return Dir(dir), err
}

func (d Dir) path(elements ...string) string {
	return filepath.Join(append([]string{string(d), ".webstack"}, elements...)...)
}

// Bin holds built tools.
func (d Dir) Bin() string { return d.path("bin") }

// Build holds intermediate results of compilation.
func (d Dir) Build() string { return d.path("build") }

// Images holds container images that were built here.
func (d Dir) Images() string { return d.path("images") }

// Moto returns where the AWS emulator is installed when the computer has none.
func (d Dir) Moto() string { return d.path("moto") }

// State is Pulumi's state of the stack local.
func (d Dir) State() string { return d.path("state") }

// PulumiHome is Pulumi's folder for settings.
func (d Dir) PulumiHome() string { return d.path("home") }

// Run holds the files of the running laptop cloud.
func (d Dir) Run() string { return d.path("run") }

// CloudFile says where all parts of the running laptop cloud answer, for the laptop cloud's own command.
func (d Dir) CloudFile() string { return d.path("run", "cloud.json") }

// EndpointsFile says where clients find the running laptop cloud; package laptop defines its form.
func (d Dir) EndpointsFile() string { return laptop.File(string(d)) }

// CloudLog returns the log of the laptop cloud.
func (d Dir) CloudLog() string { return d.path("run", "cloud.log") }

// RequestLog has a line for each request to the AWS endpoint.
func (d Dir) RequestLog() string { return d.path("run", "aws.log") }

// Registries holds the images that were pushed to the running laptop cloud.
func (d Dir) Registries() string { return d.path("run", "registries") }

// Authority returns the certificate of the authority that issues the apps' certificates on the laptop cloud.
func (d Dir) Authority() string { return d.path("run", "ca.crt") }

// LocalEnv exports what pulumi, aws and dig need to use the laptop cloud by hand.
func (d Dir) LocalEnv() string { return d.path("local.env") }

// Locks holds the lock files of this package.
func (d Dir) Locks() string { return d.path("locks") }

// Forget removes the state, the settings and the leftovers of a run. Built tools and installed parts stay.
func (d Dir) Forget() error {
	var problems []error
	for _, path := range []string{d.State(), d.PulumiHome(), d.Run(), d.LocalEnv()} {
		if err := os.RemoveAll(path); err != nil {
			problems = append(problems, fmt.Errorf("remove %s: %w", path, err))
		}
	}
	return errors.Join(problems...)
}
