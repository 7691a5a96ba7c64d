package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// decoder collects what is wrong while values are read, so that all of it is reported at once.
type decoder struct {
	problems []problem
	given    map[string]bool // paths that the stack sets
	bad      map[string]bool // paths with a problem, whose values must not be judged further
}

type problem struct{ path, text string }

func newDecoder() *decoder {
	return &decoder{given: map[string]bool{}, bad: map[string]bool{}}
}

// add reports a problem: what is wrong at path, and what is allowed there.
func (d *decoder) add(path, wrong, allowed string) {
	text := wrong
	if allowed != "" {
		text += "; allowed: " + allowed
	}
	d.problems = append(d.problems, problem{path, text})
	d.bad[path] = true
}

// err joins all problems, sorted by path.
func (d *decoder) err() error {
	sort.Slice(d.problems, func(i, j int) bool {
		a, b := d.problems[i], d.problems[j]
		if a.path != b.path {
			return a.path < b.path
		}
		return a.text < b.text
	})
	errs := make([]error, 0, len(d.problems))
	for _, p := range d.problems {
		errs = append(errs, fmt.Errorf("%s: %s", p.path, p.text))
	}
	return errors.Join(errs...)
}

// setDefaults fills every field with the default of its key.
func setDefaults[T any](target *T, specs []spec[T]) {
	for _, s := range specs {
		switch field := s.at(target).(type) {
		case *bool:
			*field = s.Default == "true"
		case *int:
			*field, _ = strconv.Atoi(s.Default)
		case *int64:
			*field, _ = strconv.ParseInt(s.Default, 10, 64)
		default:
			setText(field, s.Default)
		}
	}
}

// setText stores text in a string-like field; fields of other kinds stay as they are.
func setText(field any, text string) {
	switch field := field.(type) {
	case *string:
		*field = text
	case *Secret:
		*field = Secret(text)
	case *NatMode:
		*field = NatMode(text)
	case *Schedule:
		*field = Schedule(text)
	}
}

// decodeText reads a top-level value, which Pulumi gives as plain text for scalars and as JSON for objects.
func (d *decoder) decodeText(path string, s spec[input], in *input, text string) {
	switch field := s.at(in).(type) {
	case *[]App, *plainEnvs, *secureEnvs:
		n, err := parseJSON(text)
		if err != nil {
			d.add(path, err.Error(), s.Allowed)
			return
		}
		switch field := field.(type) {
		case *[]App:
			*field = d.decodeApps(path, n, s.Allowed)
		case *plainEnvs:
			*field = decodeEnvs[string](d, path, n, s.Allowed, checkPlainValue)
		case *secureEnvs:
			*field = decodeEnvs[Secret](d, path, n, s.Allowed, checkSecureValue)
		}
	default:
		d.decodeScalar(path, s.Key, field, s.check, text)
	}
}

// decodeScalar checks a value's text by its key and stores it.
func (d *decoder) decodeScalar(path string, k Key, field any, check func(string) string, text string) {
	switch field := field.(type) {
	case *bool:
		if text != "true" && text != "false" {
			d.add(path, quote(text)+" is no boolean", k.Allowed)
			return
		}
		*field = text == "true"
	case *int:
		*field = int(d.decodeInteger(path, k, check, text))
	case *int64:
		*field = d.decodeInteger(path, k, check, text)
	default:
		if wrong := wrongText(k, check, text); wrong != "" {
			if !k.Secret {
				wrong = quote(text) + " " + wrong
			}
			d.add(path, wrong, k.Allowed)
			return
		}
		setText(field, text)
	}
}

var integerPattern = regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,17})$`)

func (d *decoder) decodeInteger(path string, k Key, check func(string) string, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	wrong := ""
	switch {
	case err != nil || !integerPattern.MatchString(text):
		wrong = "is no whole number"
	case n < k.Min || n > k.Max:
		wrong = "is out of range"
	case check != nil:
		wrong = check(text)
	}
	if wrong != "" {
		d.add(path, quote(text)+" "+wrong, k.Allowed)
		return 0
	}
	return n
}

// wrongText says what is wrong with a string value. Empty text stands for a key that is not set.
func wrongText(k Key, check func(string) string, text string) string {
	if text == "" && k.Default == "" && !k.Required {
		return ""
	}
	if len(k.Enum) > 0 && !slices.Contains(k.Enum, text) {
		return "is not one of them"
	}
	if check != nil {
		if wrong := check(text); wrong != "" {
			return wrong
		}
	}
	if !k.pattern.MatchString(text) {
		return "has the wrong form"
	}
	return ""
}

// decodeApps reads the map under apps.
func (d *decoder) decodeApps(path string, n node, allowed string) []App {
	apps := []App{}
	for _, m := range d.object(path, n, allowed) {
		at := join(path, m.name)
		if wrong := checkAppName(m.name); wrong != "" {
			d.add(at, wrong, appNameAllowed)
		}
		app := App{Name: m.name, EnvPlain: map[string]string{}, EnvSecure: map[string]Secret{}}
		setDefaults(&app, appFields)
		d.decodeApp(at, m.value, &app)
		apps = append(apps, app)
	}
	sort.Slice(apps, func(i, j int) bool { return apps[i].Name < apps[j].Name })
	return apps
}

func (d *decoder) decodeApp(path string, n node, app *App) {
	members := d.object(path, n, "a map of the fields of an app")
	for _, m := range members {
		i := slices.IndexFunc(appFields, func(s spec[App]) bool { return s.Name == m.name })
		if i < 0 {
			d.add(join(path, m.name), "is no field of an app", suggest(m.name, AppFields()))
			continue
		}
		d.given[join(path, m.name)] = true
		d.decodeField(join(path, m.name), appFields[i], app, m.value)
	}
	for _, s := range appFields {
		if at := join(path, s.Name); s.Required && !d.given[at] && !d.bad[path] {
			d.add(at, "is missing", s.Allowed)
		}
	}
}

func (d *decoder) decodeField(path string, s spec[App], app *App, n node) {
	if list, ok := s.at(app).(*[]string); ok {
		if n.kind != arrayNode {
			d.add(path, "is "+n.describe()+", not a list", "a list of "+s.Allowed)
			return
		}
		for i, item := range n.items {
			at := path + "[" + strconv.Itoa(i) + "]"
			k := s.Key
			k.Required = true
			text := ""
			if d.wantScalar(at, TypeString, item, k.Allowed, &text) {
				d.decodeScalar(at, k, &text, s.check, text)
			}
			*list = append(*list, text)
		}
		return
	}
	text := ""
	if d.wantScalar(path, s.Type, n, s.Allowed, &text) {
		d.decodeScalar(path, s.Key, s.at(app), s.check, text)
	}
}

// wantScalar stores the text of a JSON value of type t, and reports a value of another type.
func (d *decoder) wantScalar(path string, t Type, n node, allowed string, text *string) bool {
	switch v := n.scalar.(type) {
	case string:
		*text = v
		if n.kind == scalarNode && t == TypeString {
			return true
		}
	case json.Number:
		*text = v.String()
		if t == TypeInteger {
			return true
		}
	case bool:
		*text = strconv.FormatBool(v)
		if t == TypeBoolean {
			return true
		}
	}
	*text = ""
	article := "a "
	if t == TypeInteger {
		article = "an "
	}
	d.add(path, "is "+n.describe()+", not "+article+string(t), allowed)
	return false
}

// decodeEnvs reads the map under appEnvPlain or appEnvSecure.
func decodeEnvs[V ~string](d *decoder, path string, n node, allowed string,
	check func(string) string,
) map[string]map[string]V {
	envs := map[string]map[string]V{}
	for _, app := range d.object(path, n, allowed) {
		at := join(path, app.name)
		envs[app.name] = map[string]V{}
		for _, m := range d.object(at, app.value, "a map from variable names to strings") {
			at, text := join(at, m.name), ""
			if wrong := checkEnvName(m.name); wrong != "" {
				d.add(at, wrong, envNameAllowed)
			}
			if !d.wantScalar(at, TypeString, m.value, "a string; put numbers and booleans in quotes", &text) {
				continue
			}
			if wrong := check(text); wrong != "" {
				d.add(at, wrong, "")
			}
			envs[app.name][m.name] = V(text)
		}
	}
	return envs
}

// object returns the members of a JSON object, each name once, and reports other values and repeated names.
func (d *decoder) object(path string, n node, allowed string) []member {
	if n.kind != objectNode {
		d.add(path, "is "+n.describe()+", not a map", allowed)
		return nil
	}
	seen := map[string]bool{}
	members := make([]member, 0, len(n.members))
	for _, m := range n.members {
		if seen[m.name] {
			d.add(join(path, m.name), "is given twice", "once")
			continue
		}
		seen[m.name] = true
		members = append(members, m)
	}
	return members
}

func (n node) describe() string {
	switch n.kind {
	case objectNode:
		return "a map"
	case arrayNode:
		return "a list"
	case scalarNode:
	}
	switch n.scalar.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	default:
		return "null"
	}
}

var plainNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// join appends a name to a path; names that would blur the path are quoted.
func join(path, name string) string {
	if !plainNamePattern.MatchString(name) {
		name = quote(name)
	}
	return path + "." + name
}

// quote shows a value in an error, cut so that a pasted file does not fill the screen.
func quote(v string) string {
	const limit = 80
	if len(v) > limit {
		return strconv.Quote(strings.ToValidUTF8(v[:limit], "")) + "..."
	}
	return strconv.Quote(v)
}

// suggest names the key that was probably meant, else all of them. Names in snake_case or other case are taken
// for the same key.
func suggest(name string, known []Key) string {
	fold := strings.NewReplacer("_", "", "-", "")
	names := make([]string, 0, len(known))
	for _, k := range known {
		if strings.EqualFold(fold.Replace(name), k.Name) {
			return k.Name
		}
		if !strings.Contains(k.Name, ":") {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}
