package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"webstack/local/workdir"
)

// builds are what a clone needs, by where it is in the clone: the arguments of go build, with the flags that the clone's
// own commands build with.
var builds = map[string][]string{
	operatorCommand:           {"-o", "OUT", "./cmd/webstack"},
	laptopCommand:             {"-C", "local", "-o", "OUT", "./cmd/webstack-local"},
	".webstack/build/program": {"-buildvcs=false", "-trimpath", "-ldflags", "-w -s", "-o", "OUT", "."},
}

// build gives the clone in dir its commands and its program. They are linked once, in the project's own folder, for all
// clones: the Go command finds them up to date in each of them. Linking takes most of the time that a build needs.
func build(tb testing.TB, root, dir string) {
	tb.Helper()
	shared := filepath.Join(root, ".webstack", "clones")
	release, err := workdir.Lock(tb.Context(), filepath.Join(shared, "lock"), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer release()
	for name, args := range builds {
		out := filepath.Join(shared, filepath.Base(name))
		command := exec.CommandContext(tb.Context(), "go", "build")
		for _, arg := range args {
			if arg == "OUT" {
				arg = out
			}
			command.Args = append(command.Args, arg)
		}
		command.Dir = root
		if text, err := command.CombinedOutput(); err != nil {
			tb.Fatalf("build %s: %v\n%s", name, err, text)
		}
		link(tb, out, filepath.Join(dir, name))
	}
}

// link makes a hard link, which stays what it is when the file is built again, or a copy on another file system.
func link(tb testing.TB, from, to string) {
	tb.Helper()
	err := os.MkdirAll(filepath.Dir(to), 0o755)
	if err == nil {
		err = os.Link(from, to)
	}
	if failed := (*os.LinkError)(nil); errors.As(err, &failed) {
		copyFile(tb, from, to)
	} else if err != nil {
		tb.Fatal(err)
	}
}
