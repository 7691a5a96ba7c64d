package gobuild

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// main prints where its source was, which is what makes a build depend on its directory.
const main = `package main

import "runtime"

func main() {
	_, file, _, _ := runtime.Caller(0)
	println(file)
}
`

// module writes a module with the given main.go into a directory of its own and returns it.
func module(t *testing.T, mainGo string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "clone")
	for path, text := range map[string]string{
		"go.mod": "module webstack\n\ngo 1.24\n", "cmd/webstackctl/main.go": mainGo,
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func build(t *testing.T, root, goarch string) (path string, content []byte) {
	t.Helper()
	path, err := Host(t.Context(), root, goarch)
	if err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, content
}

// files lists what is in the build directory of a root, as slash-separated relative paths.
func files(t *testing.T, root string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(root, ".webstack"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(root, path)
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Join(found, " ")
}

func TestHostIsReproducible(t *testing.T) {
	t.Parallel()
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		root := module(t, main)
		path, first := build(t, root, arch)
		if want := filepath.Join(root, ".webstack", "build", "linux_"+arch, "webstackctl"); path != want {
			t.Errorf("%s: path is %s, want %s", arch, path, want)
		}
		if _, second := build(t, module(t, main), arch); !bytes.Equal(first, second) {
			t.Errorf("%s: the same sources in two directories give different programs", arch)
		}
		program, err := elf.NewFile(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machine || program.Section(".interp") != nil || program.Section(".symtab") != nil {
			t.Errorf("%s: machine %v, or not a static stripped program", arch, program.Machine)
		}
		if _, err := buildinfo.Read(bytes.NewReader(first)); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
	}
}

func TestHostReplacesOlderProgram(t *testing.T) {
	t.Parallel()
	root := module(t, main)
	_, first := build(t, root, "amd64")
	changed := strings.Replace(main, "println(file)", `println("changed", file)`, 1)
	if err := os.WriteFile(filepath.Join(root, "cmd/webstackctl/main.go"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, second := build(t, root, "amd64"); bytes.Equal(first, second) {
		t.Error("the program did not change with its source")
	}
	if got, want := files(t, root), ".webstack/build/linux_amd64/webstackctl"; got != want {
		t.Errorf("left %q, want only %q", got, want)
	}
}

func TestHostReportsWhatTheCompilerSays(t *testing.T) {
	t.Parallel()
	root := module(t, "package main\n\nfunc main() { undefinedThing() }\n")
	_, err := Host(t.Context(), root, "arm64")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"build webstackctl for linux/arm64", "undefinedThing", "main.go:3", "try again"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q lacks %q", err, want)
		}
	}
	if left := files(t, root); left != "" {
		t.Errorf("a failed build left %s", left)
	}
}

func TestHostRefusesOtherArchitectures(t *testing.T) {
	t.Parallel()
	root := module(t, main)
	for _, arch := range []string{"", "386", "x86_64", "../x"} {
		if _, err := Host(t.Context(), root, arch); err == nil || !strings.Contains(err.Error(), "amd64, arm64") {
			t.Errorf("%q: error is %v", arch, err)
		}
	}
	if left := files(t, root); left != "" {
		t.Errorf("refused builds left %s", left)
	}
}

func TestHostOutsideOfAModule(t *testing.T) {
	t.Parallel()
	_, err := Host(t.Context(), t.TempDir(), "arm64")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "clone of the repository") {
		t.Errorf("error is %v", err)
	}
}

func TestHostStopsWithItsContext(t *testing.T) {
	t.Parallel()
	root := module(t, main)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Host(ctx, root, "arm64"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if left := files(t, root); left != "" {
		t.Errorf("a stopped build left %s", left)
	}
}

func TestHostConcurrently(t *testing.T) {
	t.Parallel()
	root := module(t, main)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := Host(t.Context(), root, "amd64"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got, want := files(t, root), ".webstack/build/linux_amd64/webstackctl"; got != want {
		t.Errorf("left %q, want only %q", got, want)
	}
}

func TestEnvironmentPinsTheToolchain(t *testing.T) {
	t.Parallel()
	goMod := filepath.Join(t.TempDir(), "go.mod")
	if err := os.WriteFile(goMod, []byte("module x\n\ngo 1.26.0\n\ntoolchain go1.26.8 // pinned\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	toolchain, err := pinnedToolchain(goMod)
	if err != nil || toolchain != "go1.26.8" {
		t.Fatalf("toolchain %q, error %v", toolchain, err)
	}
	env := strings.Join(environment([]string{"GOFLAGS=-race", "HOME=/root"}, "arm64", toolchain), " ")
	for _, want := range []string{"HOME=/root", "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOTOOLCHAIN=go1.26.8"} {
		if !strings.Contains(env, want) {
			t.Errorf("environment %q lacks %s", env, want)
		}
	}
	if strings.LastIndex(env, "GOFLAGS=") < strings.Index(env, "GOFLAGS=-race") {
		t.Error("GOFLAGS of the caller wins")
	}
}
