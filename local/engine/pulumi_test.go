package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3"

	"webstack/internal/atomicfile"
	"webstack/local/workdir"
)

func script(t *testing.T, path, text string) {
	t.Helper()
	if err := atomicfile.Write(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestAnInstalledPulumiIsUsedWhenItIsNewEnough(t *testing.T) {
	tests := map[string]struct {
		version    string
		inBin      bool
		hasGo      bool
		wantIgnore bool
	}{
		"the same version, with Go": {version: "v" + sdk.Version.String(), hasGo: true},
		"a newer one, without Go":   {version: "v3.999.0"},
		"an old one":                {version: "v3.100.0", wantIgnore: true},
		"the one built here":        {version: "v3.999.0", inBin: true, wantIgnore: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := workdir.Dir(t.TempDir())
			bin := t.TempDir()
			if test.inBin {
				bin = dir.Bin()
			}
			script(t, filepath.Join(bin, "pulumi"), "echo "+test.version)
			if test.hasGo {
				script(t, filepath.Join(bin, "pulumi-language-go"), "exit 1")
			}
			t.Setenv("PATH", bin)
			pulumi, ok := InstalledPulumi(dir)
			if ok == test.wantIgnore || pulumi.HasGo != test.hasGo {
				t.Errorf("found %v, with Go %v; want %v and %v", ok, pulumi.HasGo, !test.wantIgnore, test.hasGo)
			}
		})
	}
}

func TestTheToolsBuildTheVersionThatTheProgramUses(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "tools", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	want := "require github.com/pulumi/pulumi/pkg/v3 v" + sdk.Version.String() + "\n"
	if !strings.Contains(string(data), want) {
		t.Errorf("tools/go.mod has no line %q", want)
	}
}
