package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// architectures are the ones that AWS has instances of, in Go's words.
var architectures = []string{"amd64", "arm64"}

// Host compiles cmd/webstackctl of the module in moduleRoot for Linux on goarch; see Program.
func Host(ctx context.Context, moduleRoot, goarch string) (string, error) {
	return Program(ctx, moduleRoot, ".", "./cmd/webstackctl", goarch)
}

// Program compiles a main package for Linux on goarch ("amd64" or "arm64") and returns the path of the program,
// <moduleRoot>/.webstack/build/linux_<goarch>/<name>. The package stands in the module in the folder module, relative to
// moduleRoot; name is the last element of both together. The Go toolchain is that of moduleRoot's go.mod. The file
// appears there complete or not at all, also when several processes build at once. A first build takes about a minute,
// later ones a second.
func Program(ctx context.Context, moduleRoot, module, pkg, goarch string) (string, error) {
	program := path.Base(path.Join(module, pkg))
	if !slices.Contains(architectures, goarch) {
		return "", fmt.Errorf("build %s: architecture %q is not one of %s",
			program, goarch, strings.Join(architectures, ", "))
	}
	toolchain, err := pinnedToolchain(filepath.Join(moduleRoot, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("build %s: %w", program, err)
	}
	dir := filepath.Join(moduleRoot, ".webstack", "build", "linux_"+goarch)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("build %s: %w", program, err)
	}
	// The go command would write into an existing file; a directory of its own also keeps parallel builds apart.
	tmp, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return "", fmt.Errorf("build %s: %w", program, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	built := filepath.Join(tmp, program)
	env := environment(os.Environ(), goarch, toolchain)
	if err := compile(ctx, filepath.Join(moduleRoot, module), pkg, built, env); err != nil {
		return "", fmt.Errorf("build %s for linux/%s: %w", program, goarch, err)
	}
	out := filepath.Join(dir, program)
	if err := os.Rename(built, out); err != nil {
		return "", fmt.Errorf("build %s: %w", program, err)
	}
	return out, nil
}

func compile(ctx context.Context, dir, pkg, out string, env []string) error {
	abs, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", abs, pkg)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &output, &output
	err = cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w; install Go from https://go.dev/dl and put it on PATH", err)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w; fix the errors below and try again:\n%s",
		err, strings.TrimRight(output.String(), "\n"))
}

// environment is env with the variables that decide the bytes of the program set.
func environment(env []string, goarch, toolchain string) []string {
	env = append(slices.Clone(env),
		"GOOS=linux", "GOARCH="+goarch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=0",
		"GOFLAGS=", "GOEXPERIMENT=", "GODEBUG=", "GOWORK=off")
	if toolchain != "" {
		// A newer Go would else compile with itself and give other bytes.
		env = append(env, "GOTOOLCHAIN="+toolchain)
	}
	return env
}

// pinnedToolchain is what the toolchain line of a go.mod names, or "" without one.
func pinnedToolchain(goMod string) (string, error) {
	text, err := os.ReadFile(goMod)
	if err != nil {
		return "", fmt.Errorf("read the module's go.mod: %w; run in a clone of the repository", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "toolchain" {
			return fields[1], nil
		}
	}
	return "", nil
}
