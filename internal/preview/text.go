package preview

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/contract"
	"webstack/internal/printable"
)

// width is how wide a list of names may become; a change of a property on one line may be as long.
const width = 110

// Text is the report as plain text, without control characters: a paragraph per component, the outputs that change and
// the program's warnings. It is "" when nothing changes.
func (r *Report) Text() string {
	var out strings.Builder
	names, steps := r.rooms()
	for _, name := range names {
		fmt.Fprintf(&out, "%s\n", name)
		writeRoom(&out, steps[name])
		out.WriteString("\n")
	}
	r.writeOutputs(&out)
	for _, warning := range r.warnings {
		fmt.Fprintf(&out, "warning: %s\n\n", warning)
	}
	return printable.Text(out.String())
}

// writeRoom writes what happens in one component. What comes or goes is known by type and name.
func writeRoom(out *strings.Builder, steps []step) {
	for i := 0; i < len(steps); {
		first, end := steps[i], i+1
		if first.detailed() {
			first.write(out)
			i = end
			continue
		}
		names := []string{first.label()}
		for end < len(steps) && steps[end].op == first.op && steps[end].meta.Type == first.meta.Type {
			names = append(names, steps[end].label())
			end++
		}
		writeNames(out, fmt.Sprintf("  %s %-28s ", marks[first.op], ShortType(first.meta.Type)), names)
		if first.op == apitype.OpCreate && first.meta.Type == recordType {
			out.WriteString(besideNote)
		}
		i = end
	}
}

const recordType = "cloudflare:index/record:Record"

// besideNote stands below new DNS records: the engine knows nothing of records that it did not make.
const besideNote = "      A record with the same name that is already in the zone stays, and gets part of the traffic:\n" +
	"      delete it in the Cloudflare dashboard. After the update, webstack verify names such records.\n"

// writeNames writes names behind a head, in as many lines as they need.
func writeNames(out *strings.Builder, head string, names []string) {
	line := head
	for i, name := range names {
		if i < len(names)-1 {
			name += ","
		}
		if line != head && utf8.RuneCountInString(line)+len(name) > width {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", utf8.RuneCountInString(head))
		}
		line += name + " "
	}
	out.WriteString(strings.TrimRight(line, " ") + "\n")
}

// detailed tells whether a step is shown with what it changes.
func (s step) detailed() bool { return s.op == apitype.OpUpdate || s.op == apitype.OpReplace }

// label is the resource's name; of a new text, too, how long it is.
func (s step) label() string {
	if s.op == apitype.OpCreate && s.meta.New != nil {
		if content, ok := s.meta.New.Inputs["content"].(string); ok && strings.Contains(content, "\n") {
			return fmt.Sprintf("%s (%d lines)", s.name(), strings.Count(ended(content), "\n"))
		}
	}
	if s.op == apitype.OpDelete && s.meta.Old != nil && s.meta.Old.RetainOnDelete {
		return s.name() + " (stays in the account)"
	}
	return s.name()
}

func (s step) write(out *strings.Builder) {
	fmt.Fprintf(out, "  %s %-28s %s\n", marks[s.op], ShortType(s.meta.Type), s.name())
	for _, c := range s.changes() {
		if s.isManifest() && c.name == "content" {
			out.WriteString("      content: follows from the files and apps above\n")
			continue
		}
		c.write(out)
	}
}

// isManifest tells whether the resource is the bundle's list of sums, which repeats what other resources show.
func (s step) isManifest() bool { return s.meta.New.Inputs["key"] == contract.ManifestKey }

// write writes a change on one line where that is enough, else as a unified diff.
func (c change) write(out *strings.Builder) {
	before, after := strings.TrimSuffix(text(c.old), "\n"), strings.TrimSuffix(text(c.new), "\n")
	name := c.name
	if c.replaces {
		name += " (replaces the resource)"
	}
	switch line := fmt.Sprintf("%s: %s → %s", name, before, after); {
	case c.old == nil:
		writeValue(out, name, "+", after)
	case c.new == nil:
		writeValue(out, name, "-", before)
	case before == after:
		fmt.Fprintf(out, "      %s\n", name)
	case !strings.Contains(line, "\n") && utf8.RuneCountInString(line) <= width:
		fmt.Fprintf(out, "      %s\n", line)
	default:
		fmt.Fprintf(out, "      %s:\n", name)
		writeLines(out, hunks(before, after))
	}
}

// writeValue writes a property that comes or goes as a whole.
func writeValue(out *strings.Builder, name, mark, value string) {
	if !strings.Contains(value, "\n") {
		fmt.Fprintf(out, "      %s %s: %s\n", mark, name, value)
		return
	}
	fmt.Fprintf(out, "      %s %s:\n", mark, name)
	lines := strings.Split(value, "\n")
	for i := range lines {
		lines[i] = mark + lines[i]
	}
	writeLines(out, lines)
}

func writeLines(out *strings.Builder, lines []string) {
	for _, line := range lines {
		out.WriteString(strings.TrimRight("        "+line, " ") + "\n")
	}
}

// writeOutputs writes which outputs of the stack change. Of a new stack all are new, which says nothing.
func (r *Report) writeOutputs(out *strings.Builder) {
	if r.outputs == nil || r.outputs.Old == nil || r.outputs.New == nil || r.outputs.Op == apitype.OpCreate {
		return
	}
	before, after := r.outputs.Old.Outputs, r.outputs.New.Outputs
	var text strings.Builder
	for _, name := range sorted(before, after) {
		if c := (change{name: name, old: before[name], new: after[name]}); c.differs() {
			c.write(&text)
		}
	}
	if text.Len() > 0 {
		fmt.Fprintf(out, "outputs\n%s\n", text.String())
	}
}

// words name what is to be done, in the order of a headline.
var words = []struct {
	op   apitype.OpType
	word string
}{
	{apitype.OpCreate, "to create"}, {apitype.OpImport, "to import"}, {apitype.OpUpdate, "to update"},
	{apitype.OpReplace, "to replace"}, {apitype.OpDelete, "to delete"}, {apitype.OpSame, "unchanged"},
}

// Headline counts the resources by what is to be done to them, such as "3 to create, 90 unchanged".
func (r *Report) Headline() string {
	var parts []string
	for _, w := range words {
		if count := r.counts[w.op]; count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, w.word))
		}
	}
	if !r.Changes() {
		return fmt.Sprintf("No changes: all %d resources are up to date", r.counts[apitype.OpSame])
	}
	return "Resources: " + strings.Join(parts, ", ")
}

// Changes tells whether there is anything to do.
func (r *Report) Changes() bool {
	for op := range marks {
		if r.counts[op] > 0 {
			return true
		}
	}
	return false
}

// sorted are the keys of maps, each once, in order.
func sorted[V any](all ...map[string]V) []string {
	keys := map[string]bool{}
	for _, m := range all {
		for key := range m {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}
