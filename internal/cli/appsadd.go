package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"

	"webstack/config"
	"webstack/internal/stackfile"
	"webstack/local/workdir"
	"webstack/operate"
	"webstack/operate/appfile"
)

var appsAddCommand = operatorCommand{
	name: "apps add", usage: "NAME --domain DOMAIN [--zone ZONE] [--port PORT] [--github-repo OWNER/NAME] … [--yes]",
	help: "add an app to the stack file: shows what is added, asks, and writes; every field of an app has an option\n" +
		"        (" + appOptions() + ")",
	args:  1,
	flags: declareAppFlags,
	run:   runAppsAdd,
}

// shortFlags are the options with another name than their field.
var shortFlags = map[string]string{"containerPort": "port", "memoryMb": "memory"}

// flagName is the option of a field: githubRepo becomes github-repo.
func flagName(field string) string {
	if short, ok := shortFlags[field]; ok {
		return short
	}
	var out strings.Builder
	for _, r := range field {
		if unicode.IsUpper(r) {
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// appOptions lists the options for the help.
func appOptions() string {
	var names []string
	for _, field := range config.AppFields() {
		names = append(names, "--"+flagName(field.Name))
	}
	return strings.Join(names, " ")
}

type appsAddOptions struct {
	yes    bool
	values map[string]any // by field
}

// declareAppFlags gives every field of an app an option.
func declareAppFlags(o *operator, flags *flag.FlagSet) {
	options := &appsAddOptions{values: map[string]any{}}
	o.options = options
	flags.BoolVar(&options.yes, "yes", false, "")
	for _, field := range config.AppFields() {
		set := func(value any, err error) error {
			if err == nil {
				options.values[field.Name] = value
			}
			return err
		}
		name := flagName(field.Name)
		switch field.Type {
		case config.TypeBoolean:
			flags.BoolFunc(name, "", func(text string) error { return set(parse(strconv.ParseBool(text))) })
		case config.TypeInteger:
			flags.Func(name, "", func(text string) error { return set(parse(strconv.ParseInt(text, 10, 64))) })
		case config.TypeList:
			flags.Func(name, "", func(text string) error {
				list, _ := options.values[field.Name].([]string)
				return set(append(list, strings.Split(text, ",")...), nil)
			})
		default:
			flags.Func(name, "", func(text string) error { return set(text, nil) })
		}
	}
}

// parse shortens the error of package strconv.
func parse[T any](value T, err error) (any, error) {
	if err != nil {
		return nil, errors.New("parse error")
	}
	return value, nil
}

// added is what webstack apps add is about to write, and its JSON form.
type added struct {
	Stack   string `json:"stack"`
	App     string `json:"app"`
	File    string `json:"file"`
	Diff    string `json:"diff"`
	Written bool   `json:"written"`
}

func runAppsAdd(_ context.Context, o *operator) error {
	options, name := o.options.(*appsAddOptions), o.args[0]
	before, err := operate.ReadStackFile(string(o.dir), o.stack)
	if err != nil {
		return err
	}
	var fields []appfile.Field
	for _, field := range config.AppFields() {
		if value, set := options.values[field.Name]; set {
			fields = append(fields, appfile.Field{Name: field.Name, Value: value})
		}
	}
	after, err := appfile.Add(before, name, fields)
	if err != nil {
		return err
	}
	if _, _, err := operate.LoadConfig(string(o.dir), o.stack, after); err != nil {
		return fmt.Errorf("add app %q: nothing is written; %w", name, err)
	}
	file := stackfile.Path(string(o.dir), o.stack)
	report := added{Stack: o.stack, App: name, File: filepath.Base(file), Diff: lineDiff(string(before), string(after))}
	if !o.json {
		_, _ = fmt.Fprintf(o.Stdout, "%s\n%s", report.File, report.Diff)
	}
	if err := o.confirm(options.yes, "Write this to "+report.File+"?"); err != nil {
		return err
	}
	if err := replace(file, before, after); err != nil {
		return err
	}
	report.Written = true
	if o.json {
		return o.printJSON(report)
	}
	next := fmt.Sprintf("pulumi preview --stack %[1]s, then pulumi up --stack %[1]s", o.stack)
	if o.stack == stackName {
		next = "make preview, then make up"
	}
	_, err = fmt.Fprintf(o.Stdout, "\n%s is written. Next: %s.\nUntil its first deploy the app answers 503.\n", report.File, next)
	return err
}

// confirm asks, unless the answer was given with --yes. Without a terminal nobody could answer.
func (o *operator) confirm(yes bool, question string) error {
	if yes {
		return nil
	}
	if in, ok := o.Stdin.(*os.File); !ok || !term.IsTerminal(int(in.Fd())) {
		return fmt.Errorf("%w: nothing is written: there is no terminal to ask at; say --yes", errUsage)
	}
	_, _ = fmt.Fprintf(o.Stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(o.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing is written")
	}
	return nil
}

// replace writes the file in one step, unless somebody else has changed it meanwhile.
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
		return fmt.Errorf("write %s: it was changed meanwhile; run the command again", filepath.Base(file))
	}
	return workdir.WriteFile(file, after, info.Mode().Perm())
}

// lineDiff shows the one place where two texts differ, with a few lines around it.
func lineDiff(before, after string) string {
	const around = 3
	old, changed := strings.Split(before, "\n"), strings.Split(after, "\n")
	head := 0
	for head < min(len(old), len(changed)) && old[head] == changed[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(changed))-head && old[len(old)-1-tail] == changed[len(changed)-1-tail] {
		tail++
	}
	var out strings.Builder
	from, to := max(0, head-around), min(len(old), len(old)-tail+around)
	fmt.Fprintf(&out, "@@ line %d @@\n", head+1)
	write := func(mark string, lines []string) {
		for _, line := range lines {
			out.WriteString(strings.TrimRight(mark+strings.TrimSuffix(line, "\r"), " ") + "\n")
		}
	}
	write("  ", old[from:head])
	write("- ", old[head:len(old)-tail])
	write("+ ", changed[head:len(changed)-tail])
	write("  ", slices.Clone(old[len(old)-tail:to]))
	return out.String()
}
