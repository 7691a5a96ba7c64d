package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"webstack/local/workdir"
)

// cliPackage is the Go package of the Pulumi command line; its version is in tools/go.mod.
const cliPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

// Pulumi is a Pulumi command line that can be run.
type Pulumi struct {
	command auto.PulumiCommand
	// Bin is the folder to put on PATH for the command, "" if it is already on PATH.
	Bin string
	// HasGo is true if Pulumi's own language host for Go is installed beside it.
	HasGo bool
}

// Step shows that something long has begun and returns what to call at its end.
type Step func(title string) (done func())

// FindPulumi returns the installed Pulumi if it is at least as new as the SDK that the program uses. Otherwise it
// returns the one in .webstack/bin, and builds it from the Go module if it is missing or has another version.
func FindPulumi(ctx context.Context, dir workdir.Dir, step Step) (Pulumi, error) {
	if pulumi, ok := InstalledPulumi(dir); ok {
		return pulumi, nil
	}
	release, err := workdir.Lock(ctx, filepath.Join(dir.Locks(), "pulumi"), nil)
	if err != nil {
		return Pulumi{}, err
	}
	defer release()
	wanted := &auto.PulumiCommandOptions{Version: sdk.Version, Root: filepath.Dir(dir.Bin())}
	if command, err := auto.NewPulumiCommand(wanted); err == nil {
		return Pulumi{command: command, Bin: dir.Bin()}, nil
	}
	done := step("Building the Pulumi command line from its Go module (once; takes a few minutes)")
	defer done()
	if err := buildPulumi(ctx, dir); err != nil {
		return Pulumi{}, err
	}
	command, err := auto.NewPulumiCommand(wanted)
	if err != nil {
		return Pulumi{}, fmt.Errorf("run the newly built Pulumi: %w", err)
	}
	return Pulumi{command: command, Bin: dir.Bin()}, nil
}

// InstalledPulumi returns the Pulumi on PATH. ok is false if there is none, if it is too old, or if it is the one in
// .webstack/bin, which local.env puts on PATH.
func InstalledPulumi(dir workdir.Dir) (pulumi Pulumi, ok bool) {
	path, err := exec.LookPath("pulumi")
	if err != nil || filepath.Dir(path) == dir.Bin() {
		return Pulumi{}, false
	}
	command, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Version: sdk.Version})
	if err != nil {
		return Pulumi{}, false
	}
	_, err = exec.LookPath("pulumi-language-go")
	return Pulumi{command: command, HasGo: err == nil}, true
}

func buildPulumi(ctx context.Context, dir workdir.Dir) error {
	target := filepath.Join(dir.Bin(), "pulumi")
	temp := target + ".new"
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath",
		"-ldflags", "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v"+sdk.Version.String(),
		"-o", temp, cliPackage)
	cmd.Dir = filepath.Join(string(dir), "tools")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the Pulumi command line (or install Pulumi %s or newer yourself): %w\n%s",
			sdk.Version, err, strings.TrimSpace(output.String()))
	}
	if err := os.Rename(temp, target); err != nil {
		return fmt.Errorf("move the Pulumi command line into place: %w", err)
	}
	return nil
}
