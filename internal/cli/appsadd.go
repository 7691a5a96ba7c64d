package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"webstack/config"
	"webstack/internal/command"
	"webstack/internal/laptop"
	"webstack/internal/operate/appfile"
)

func (o *operator) appsAddCommand() *cobra.Command {
	options := &appsAddOptions{values: map[string]any{}}
	cmd := &cobra.Command{
		Use: "add APP --domain DOMAIN", Short: "Add an app to the stack file",
		Long: `Adds an app to the stack file. Shows the change and asks before writing it.

Each field of an app has a flag; docs/configuration.md describes the fields.`,
		Example: "  webstack apps add wiki --domain wiki.example.com --port 3000 --memory 512",
		Args:    command.Args("APP"),
		RunE:    o.runs(func(ctx context.Context, args []string) error { return o.addApp(ctx, args[0], options) }),
	}
	addYes(cmd, &options.yes)
	for _, field := range config.AppFields() {
		addFieldFlag(cmd.Flags(), field, options.values)
	}
	return cmd
}

// shortFlags are the flags whose name differs from their field's.
var shortFlags = map[string]string{"containerPort": "port", "memoryMb": "memory"}

// flagName returns the flag of a field: githubRepo becomes github-repo.
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

type appsAddOptions struct {
	yes    bool
	values map[string]any // by field
}

// addFieldFlag adds the flag of a field. The flag stores its value in values under the field's name.
func addFieldFlag(flags *pflag.FlagSet, field config.Key, values map[string]any) {
	flag := &fieldFlag{field: field, values: values}
	added := flags.VarPF(flag, flagName(field.Name), "", usage(field))
	if field.Type == config.TypeBoolean {
		added.NoOptDefVal = "true"
	}
}

// usage describes a field in the help.
func usage(field config.Key) string {
	text := field.Description
	if field.Required {
		text += " (required)"
	}
	if field.Default != "" {
		text += " (default " + field.Default + ")"
	}
	return text
}

// fieldFlag is the value of a flag that sets a field.
type fieldFlag struct {
	field  config.Key
	values map[string]any
}

func (f *fieldFlag) String() string { return "" }

// Type names the value in the help.
func (f *fieldFlag) Type() string {
	switch f.field.Type {
	case config.TypeBoolean:
		return "bool"
	case config.TypeInteger:
		return "int"
	case config.TypeList:
		return "list"
	}
	return "string"
}

// Set reads the value in text.
func (f *fieldFlag) Set(text string) (err error) {
	var value any = text
	want := ""
	switch f.field.Type {
	case config.TypeBoolean:
		value, err = strconv.ParseBool(text)
		want = "true or false"
	case config.TypeInteger:
		value, err = strconv.ParseInt(text, 10, 64)
		want = "a whole number"
	case config.TypeList:
		list, _ := f.values[f.field.Name].([]string)
		value = append(list, strings.Split(text, ",")...)
	}
	if err != nil {
		return errors.New("give " + want)
	}
	f.values[f.field.Name] = value
	return nil
}

func (o *operator) addApp(ctx context.Context, name string, options *appsAddOptions) error {
	var fields []appfile.Field
	for _, field := range config.AppFields() {
		if value, set := options.values[field.Name]; set {
			fields = append(fields, appfile.Field{Name: field.Name, Value: value})
		} else if field.Required {
			return fmt.Errorf("add app %q: nothing was written; --%s is missing", name, flagName(field.Name))
		}
	}
	until := "Until its first deploy, the app answers 503 with a plain page."
	if o.stack == laptop.Stack {
		until = "Until its first deploy, the app runs the demo image."
	}
	return o.editApps(ctx, edit{
		doing: "add", app: name, yes: options.yes, then: until,
		change: func(text []byte) ([]byte, error) { return appfile.Add(text, name, fields) },
	})
}
