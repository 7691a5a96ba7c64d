package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"webstack/internal/laptop"
)

// Stack is the name of the laptop cloud's stack.
const Stack = laptop.Stack

// The commands of a clone, relative to it.
const (
	operatorCommand = ".webstack/bin/webstack"
	laptopCommand   = ".webstack/bin/webstack-local"
)

// killAfter limits one command; it is far longer than any takes, so that a hanging test ends with its output.
const killAfter = 10 * time.Minute

// Clone is a copy of the project's files, as a fresh git clone would hold them.
type Clone struct {
	Dir string
	tb  testing.TB
	// hosts makes instances boot; otherwise they are only entries in a list, which is all that most tests need.
	hosts bool
}

// NewClone copies the project into a temporary folder and builds its commands. When the test ends, the laptop cloud of
// the clone is stopped if it is running.
func NewClone(tb testing.TB) *Clone {
	tb.Helper()
	root := ProjectRoot(tb)
	c := &Clone{Dir: filepath.Join(tb.TempDir(), "webstack"), tb: tb}
	for _, file := range trackedFiles(tb, root) {
		copyFile(tb, filepath.Join(root, file), filepath.Join(c.Dir, file))
	}
	// The Pulumi CLI takes minutes to build, so clones use the project's own.
	for _, tool := range []string{"pulumi"} {
		linkTool(tb, root, c.Dir, tool)
	}
	shareImages(tb, root, c.Dir)
	build(tb, root, c.Dir)
	tb.Cleanup(c.stop)
	return c
}

func linkTool(tb testing.TB, root, dir, tool string) {
	tb.Helper()
	source := filepath.Join(root, ".webstack", "bin", tool)
	if _, err := os.Stat(source); err != nil {
		return // an installed one is used, or the clone builds its own
	}
	bin := filepath.Join(dir, ".webstack", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.Symlink(source, filepath.Join(bin, tool)); err != nil {
		tb.Fatal(err)
	}
}

// shareImages makes a clone share the images that were made without a registry, which takes minutes.
func shareImages(tb testing.TB, root, dir string) {
	tb.Helper()
	source := filepath.Join(root, ".webstack", "images")
	for _, folder := range []string{source, filepath.Join(dir, ".webstack")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	if err := os.Symlink(source, filepath.Join(dir, ".webstack", "images")); err != nil {
		tb.Fatal(err)
	}
}

// ProjectRoot returns the folder of the root module: the parent of the tests' module.
func ProjectRoot(tb testing.TB) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "webstack").Output()
	if err != nil {
		tb.Fatalf("find the project's folder: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func trackedFiles(tb testing.TB, root string) []string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("list the project's files: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) {
		return // deleted in the work tree and not committed yet
	}
	if err != nil {
		tb.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(to, content, info.Mode().Perm()); err != nil {
		tb.Fatal(err)
	}
}

func (c *Clone) path(relative string) string { return filepath.Join(c.Dir, relative) }

// stop stops the laptop cloud without "down", which a failed test may not be able to complete.
func (c *Clone) stop() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.tb.Context()), time.Minute)
	defer cancel()
	if out, err := c.command(ctx, nil, c.path(laptopCommand), "stop").CombinedOutput(); err != nil {
		c.tb.Logf("stop the laptop cloud: %v\n%s", err, out)
	}
}

// command returns a command in the clone's folder, in a process group of its own, so that a kill reaches its children.
func (c *Clone) command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = c.Dir
	command.Env = append(os.Environ(), env...)
	if !c.hosts {
		command.Env = append(command.Env, "WEBSTACK_HOSTS=off")
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 10 * time.Second
	return command
}

// Run runs a command in the clone with extra environment and returns all it printed.
func (c *Clone) Run(env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.tb.Context(), killAfter)
	defer cancel()
	out, err := c.command(ctx, env, name, args...).CombinedOutput()
	return string(out), err
}

// WebstackStdout runs the webstack command and returns its standard output only, which is what a program reads.
func (c *Clone) WebstackStdout(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(c.tb.Context(), killAfter)
	defer cancel()
	out, err := c.command(ctx, nil, c.path(operatorCommand), args...).Output()
	return string(out), err
}

func (c *Clone) mustRun(name string, args ...string) string {
	c.tb.Helper()
	out, err := c.Run(nil, name, args...)
	if err != nil {
		c.tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// Webstack runs the webstack command and returns all it printed.
func (c *Clone) Webstack(args ...string) (string, error) {
	return c.Run(nil, c.path(operatorCommand), args...)
}

// MustWebstack is Webstack for commands that must succeed.
func (c *Clone) MustWebstack(args ...string) string {
	c.tb.Helper()
	out, err := c.Webstack(args...)
	if err != nil {
		c.tb.Fatalf("webstack %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Laptop runs the laptop cloud's command and returns all it printed.
func (c *Clone) Laptop(args ...string) (string, error) {
	return c.Run(nil, c.path(laptopCommand), args...)
}

// MustLaptop is Laptop for commands that must succeed.
func (c *Clone) MustLaptop(args ...string) string {
	c.tb.Helper()
	out, err := c.Laptop(args...)
	if err != nil {
		c.tb.Fatalf("webstack-local %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// KillLaptop starts the laptop cloud's command and kills it, with all its children, after that time. It reports whether
// the command was still running then.
func (c *Clone) KillLaptop(after time.Duration, args ...string) (killed bool) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(c.tb.Context(), after)
	defer cancel()
	var out bytes.Buffer
	command := c.command(ctx, nil, c.path(laptopCommand), args...)
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if err != nil && ctx.Err() == nil {
		c.tb.Fatalf("webstack-local %s failed on its own: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return ctx.Err() != nil
}

// Env reads the clone's .webstack/local.env, as a shell that sources it would.
func (c *Clone) Env() map[string]string {
	c.tb.Helper()
	out := c.mustRun("sh", "-c", "set -e; env -i sh -c '. ./.webstack/local.env; env'")
	env := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			env[key] = value
		}
	}
	return env
}

// Pulumi runs the plain Pulumi CLI with local.env sourced, and returns all it printed.
func (c *Clone) Pulumi(args ...string) (string, error) {
	script := ". ./.webstack/local.env && exec pulumi \"$@\" --non-interactive --color never"
	return c.Run(nil, "sh", append([]string{"-c", script, "pulumi"}, args...)...)
}

// Edit changes a file of the clone.
func (c *Clone) Edit(file string, change func(text string) string) {
	c.tb.Helper()
	old, err := os.ReadFile(c.path(file))
	if err != nil {
		c.tb.Fatal(err)
	}
	text := change(string(old))
	if text == string(old) {
		c.tb.Fatalf("edit %s: nothing changed", file)
	}
	if err := os.WriteFile(c.path(file), []byte(text), 0o644); err != nil {
		c.tb.Fatal(err)
	}
}

// Read returns a file of the clone.
func (c *Clone) Read(file string) string {
	c.tb.Helper()
	text, err := os.ReadFile(c.path(file))
	if err != nil {
		c.tb.Fatal(err)
	}
	return string(text)
}

// Must fails the test unless err is nil, showing what was printed.
func (c *Clone) Must(out string, err error) string {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(fmt.Errorf("%w\n%s", err, out))
	}
	return out
}

// For returns the same clone for a subtest, so that failures are reported there.
func (c *Clone) For(tb testing.TB) *Clone { return &Clone{Dir: c.Dir, tb: tb, hosts: c.hosts} }

// ResourceCount returns the number of resources in the stack's state, components and providers included.
func (c *Clone) ResourceCount() int {
	c.tb.Helper()
	out := c.Must(c.Pulumi("stack", "export", "-s", Stack))
	return strings.Count(out, `"urn":`)
}
