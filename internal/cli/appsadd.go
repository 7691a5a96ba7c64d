package cli

import (
	"context"
	"errors"
	"flag"
	"strconv"
	"strings"
	"unicode"

	"webstack/config"
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
			flags.BoolFunc(name, "", func(text string) error {
				value, err := strconv.ParseBool(text)
				return set(parsed(value, err, "true or false"))
			})
		case config.TypeInteger:
			flags.Func(name, "", func(text string) error {
				value, err := strconv.ParseInt(text, 10, 64)
				return set(parsed(value, err, "a whole number"))
			})
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

// parsed is a value that was read from an option, or what it must be.
func parsed[T any](value T, err error, want string) (any, error) {
	if err != nil {
		return nil, errors.New("give " + want)
	}
	return value, nil
}

func runAppsAdd(_ context.Context, o *operator) error {
	options, name := o.options.(*appsAddOptions), o.args[0]
	var fields []appfile.Field
	for _, field := range config.AppFields() {
		if value, set := options.values[field.Name]; set {
			fields = append(fields, appfile.Field{Name: field.Name, Value: value})
		}
	}
	until := "Until its first deploy it answers 503 with a plain page."
	if o.stack == stackName {
		until = "Until its first deploy it runs the demo app."
	}
	return o.editApps(edit{
		doing: "add", app: name, yes: options.yes, then: until,
		change: func(text []byte) ([]byte, error) { return appfile.Add(text, name, fields) },
	})
}
