package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"webstack/internal/atomicfile"
	"webstack/internal/command"
	"webstack/internal/filelock"
	"webstack/internal/laptop"
	"webstack/internal/operate"
	"webstack/internal/project"
)

// edit is a change of the apps in a stack file.
type edit struct {
	// doing is the command's verb: add or remove.
	doing, app string
	// yes skips the question.
	yes bool
	// change returns the new text of the file.
	change func(text []byte) ([]byte, error)
	// then is printed after the next steps, once the file is written.
	then string
}

// edited is the JSON output of webstack apps add and remove. It is stable: fields are added, never renamed or
// removed.
type edited struct {
	Stack   string `json:"stack"`
	App     string `json:"app"`
	File    string `json:"file"`
	Diff    string `json:"diff"`
	Written bool   `json:"written"`
}

// addYes adds the flag --yes, which answers the question of a command that edits the stack file.
func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "write without asking")
}

// editApps changes the stack file: it shows the change, asks, and writes. It refuses a change that makes the config
// invalid.
func (o *operator) editApps(ctx context.Context, e edit) error {
	before, err := operate.ReadStackFile(o.dir, o.stack)
	if err != nil {
		return err
	}
	after, err := e.change(before)
	if err != nil {
		return err
	}
	if _, err := operate.LoadConfig(o.dir, o.stack, after); err != nil {
		return fmt.Errorf("%s app %q: nothing was written; %w", e.doing, e.app, err)
	}
	file := project.StackFile(o.dir, o.stack)
	report := edited{Stack: o.stack, App: e.app, File: filepath.Base(file)}
	report.Diff = unified(report.File, before, after)
	if !o.json {
		_, _ = fmt.Fprint(o.Out, report.Diff)
	}
	if err := o.confirm(ctx, e.yes, "Write this to "+report.File+"?"); err != nil {
		return err
	}
	// Pulumi.yaml always exists and is never replaced, so it can carry the lock.
	release, err := filelock.Acquire(ctx, filepath.Join(o.dir, project.File), nil)
	if err != nil {
		return fmt.Errorf("write %s: %w", report.File, err)
	}
	defer release()
	if err := replace(file, before, after); err != nil {
		return err
	}
	report.Written = true
	if o.json {
		return o.printJSON(report)
	}
	next := fmt.Sprintf("pulumi preview --stack %[1]s, then pulumi up --stack %[1]s", o.stack)
	if o.stack == laptop.Stack {
		next = "make preview, then make up"
	}
	_, err = fmt.Fprintf(o.Out, "\nWrote %s. Next: %s.\n%s\n", report.File, next, e.then)
	return err
}

// unified returns the unified diff of two versions of a file. It ignores carriage returns at line ends.
func unified(file string, before, after []byte) string {
	plain := func(text []byte) string { return strings.ReplaceAll(string(text), "\r\n", "\n") }
	return udiff.Unified(file, file, plain(before), plain(after))
}

// confirm asks the question unless --yes was given. It fails without a terminal, where nobody could answer.
func (o *operator) confirm(ctx context.Context, yes bool, question string) error {
	if yes {
		return nil
	}
	answer, err := o.ask(ctx, question+" [y/N] ")
	switch {
	case errors.Is(err, errNoTerminal):
		return fmt.Errorf("%w: nothing was written: cannot ask without a terminal; add --yes", command.ErrUsage)
	case err != nil:
		return fmt.Errorf("nothing was written: %w", err)
	}
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return errors.New("nothing was written")
	}
	return nil
}

// errNoTerminal says that nobody can answer.
var errNoTerminal = errors.New("there is no terminal")

// ask asks a question and returns the answer.
func (o *operator) ask(ctx context.Context, question string) (string, error) {
	if in, ok := o.In.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errNoTerminal
	}
	_, _ = fmt.Fprint(o.Err, question)
	answers := make(chan string, 1)
	go func() {
		answer, _ := bufio.NewReader(o.In).ReadString('\n')
		answers <- answer
	}()
	select {
	case answer := <-answers:
		return strings.TrimSpace(answer), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// replace writes the file atomically. It fails if the file has changed since it was read.
func replace(file string, before, after []byte) error {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return fmt.Errorf("write the stack file: %w", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("write the stack file: %w", err)
	}
	now, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("write the stack file: %w", err)
	}
	if !bytes.Equal(now, before) {
		return fmt.Errorf("write %s: the file has changed in the meantime; run the command again", filepath.Base(file))
	}
	return atomicfile.Write(file, after, info.Mode().Perm())
}
