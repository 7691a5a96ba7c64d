package config

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"

	"webstack/internal/lazyregexp"
)

// decoder collects problems while it reads values, so that all of them are reported at once.
type decoder struct {
	source   Source
	problems []problem
	given    map[string]bool // paths that the stack sets
	bad      map[string]bool // paths with a problem, whose values must not be checked further
	sealed   map[string]bool // keys whose value is not decrypted
	lines    map[string]int  // by path, in the stack file
}

func newDecoder(source Source) *decoder {
	d := &decoder{
		source: source, given: map[string]bool{}, bad: map[string]bool{}, sealed: map[string]bool{},
		lines: map[string]int{},
	}
	if source.File == nil {
		return d
	}
	d.problems = slices.Clone(source.File.problems)
	for _, p := range d.problems {
		d.bad[p.path] = true
	}
	for _, m := range source.File.values {
		walk(shortKey(m.name), m.value, func(path string, n node) { d.lines[path] = n.line })
	}
	return d
}

// add reports a problem: what is wrong at path, and what is allowed there.
func (d *decoder) add(path, wrong, allowed string) {
	d.problems = append(d.problems, newProblem(d.line(path), path, wrong, allowed))
	d.bad[path] = true
}

// line returns the line of path in the stack file or, if path is missing, of its parent.
func (d *decoder) line(path string) int {
	for path != "" {
		if line, ok := d.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
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

// decodeKey reads the value of a key of the stack config.
func (d *decoder) decodeKey(path string, s spec[input], in *input, n node) {
	if s.Type.structured() {
		var err error
		if n, err = n.structure(); err != nil {
			d.add(path, err.Error(), s.Allowed)
			return
		}
	}
	d.sealed[s.Name] = n.sealed
	switch field := s.at(in).(type) {
	case *plainEnvs:
		*field = decodeEnvs[string](d, path, n, s.Key, checkPlainValue)
	case *secureEnvs:
		*field = decodeEnvs[Secret](d, path, n, s.Key, checkSecureValue)
	default:
		if !d.rightlyEncrypted(path, s.Key, n) {
			return
		}
		switch field := field.(type) {
		case *[]App:
			*field = d.decodeApps(path, n, s.Allowed)
		case *[]string:
			*field = d.decodeList(path, s.Key, s.check, n)
		case *assumeRole:
			d.decodeRole(path, s, field, n)
		default:
			if text := ""; !n.sealed && d.wantScalar(path, s.Key, n, &text) {
				d.decodeScalar(path, s.Key, field, s.check, text)
			}
		}
	}
}

// decodeScalar checks a value's text by its key and stores it.
func (d *decoder) decodeScalar(path string, k Key, field any, check func(string) string, text string) {
	switch field := field.(type) {
	case *bool:
		if text != "true" && text != "false" {
			d.add(path, quote(text)+" is not a boolean", k.Allowed)
			return
		}
		*field = text == "true"
	case **bool:
		value := false
		d.decodeScalar(path, k, &value, check, text)
		*field = &value
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

var integerPattern = lazyregexp.New(`^-?(?:0|[1-9][0-9]{0,17})$`)

func (d *decoder) decodeInteger(path string, k Key, check func(string) string, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	wrong := ""
	switch {
	case err != nil || !integerPattern.MatchString(text):
		wrong = "is not a whole number"
	case (n < k.Min || n > k.Max) && !slices.Contains(k.Also, n):
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

// wrongText says what is wrong with a string value. Empty text means that the key is not set.
func wrongText(k Key, check func(string) string, text string) string {
	if text == "" && k.Default == "" && !k.Required {
		return ""
	}
	if len(k.Enum) > 0 && !slices.Contains(k.Enum, text) {
		return "is not one of the allowed values"
	}
	if check != nil {
		if wrong := check(text); wrong != "" {
			return wrong
		}
	}
	switch {
	case k.MaxLength > 0 && len(text) > k.MaxLength:
		return "is longer than " + strconv.Itoa(k.MaxLength) + " characters"
	case !k.pattern.MatchString(text):
		return "has the wrong format"
	case k.not != nil && k.not.MatchString(text):
		return "is not allowed here"
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
			d.unknown(join(path, m.name), "is not a field of an app", m.name, AppFields())
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
	if !d.rightlyEncrypted(path, s.Key, n) {
		return
	}
	if list, ok := s.at(app).(*[]string); ok {
		*list = d.decodeList(path, s.Key, s.check, n)
		return
	}
	text := ""
	if d.wantScalar(path, s.Key, n, &text) {
		d.decodeScalar(path, s.Key, s.at(app), s.check, text)
	}
}

// decodeList reads a list of strings.
func (d *decoder) decodeList(path string, k Key, check func(string) string, n node) []string {
	if n.kind != arrayNode {
		d.add(path, "is "+n.describe()+", not a list", "a list of "+k.Allowed)
		return nil
	}
	k.Type, k.Required = TypeString, true
	list := make([]string, 0, len(n.items))
	for i, item := range n.items {
		at, text := path+"["+strconv.Itoa(i)+"]", ""
		if d.rightlyEncrypted(at, k, item) && d.wantScalar(at, k, item, &text) {
			d.decodeScalar(at, k, &text, check, text)
		}
		list = append(list, text)
	}
	return list
}

// wantScalar returns the text of a value of the key's type, and reports a value of another type.
func (d *decoder) wantScalar(path string, k Key, n node, text *string) bool {
	if n.kind == scalarNode && !n.encrypted || n.encrypted && k.Secret {
		switch v := n.scalar.(type) {
		case string:
			*text = v
			// A key of the stack may be a string whatever its type: pulumi config set writes it that way.
			if k.Type == TypeString && n.unquoted == "" || k.top && k.Type != TypeString || n.untyped {
				return true
			}
		case json.Number:
			*text = v.String()
			if k.Type == TypeInteger {
				return true
			}
		case bool:
			*text = strconv.FormatBool(v)
			if k.Type == TypeBoolean {
				return true
			}
		}
	}
	*text = ""
	article := "a "
	if k.Type == TypeInteger {
		article = "an "
	}
	wrong := "is " + n.describe() + ", not " + article + string(k.Type)
	if word, ok := n.scalar.(string); ok && k.Type == TypeBoolean && n.unquoted != "" {
		wrong = quote(word) + " is not a boolean"
	}
	if k.Type == TypeString && n.kind == scalarNode && !n.encrypted {
		wrong += "; " + inQuotes(path, n)
	}
	d.add(path, wrong, k.Allowed)
	return false
}

// inQuotes says how to make a scalar a string.
func inQuotes(path string, n node) string {
	if n.unquoted == "empty" {
		return `write "" for an empty string`
	}
	return "put it in quotes, or set it with pulumi config set --type string --path '" + fullPath(path) + "' VALUE"
}

// object returns the members of a map, each name once. It reports other values and repeated names.
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

var plainNamePattern = lazyregexp.New(`^[A-Za-z0-9_-]{1,128}$`)

// join appends a name to a path; it quotes names that would make the path ambiguous.
func join(path, name string) string {
	return path + "." + plain(name)
}

func plain(name string) string {
	if plainNamePattern.MatchString(name) {
		return name
	}
	return quote(name)
}

// quote quotes a value for an error and shortens it, so that a pasted file does not fill the screen.
func quote(v string) string {
	const limit = 80
	if len(v) > limit {
		return strconv.Quote(strings.ToValidUTF8(v[:limit], "")) + "..."
	}
	return strconv.Quote(v)
}
