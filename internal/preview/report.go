// Package preview turns the events of Pulumi's engine into what a person wants to read before an update: which
// resources are added, changed and removed, by component, and of a changed text only the lines around each change.
package preview

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Report collects the events of one preview. The zero value is ready for use, by one goroutine at a time.
type Report struct {
	steps    map[string]step // by URN
	warnings []string
	outputs  *apitype.StepEventMetadata
	counts   map[apitype.OpType]int
}

// step is what is to be done to one resource.
type step struct {
	op   apitype.OpType
	meta apitype.StepEventMetadata
}

// marks stand before a resource, by what is to be done to it. Other operations change nothing.
var marks = map[apitype.OpType]string{
	apitype.OpCreate: "+", apitype.OpUpdate: "~", apitype.OpReplace: "±", apitype.OpDelete: "-", apitype.OpImport: "=",
}

const stackType = "pulumi:pulumi:Stack"

// Add takes the next event.
func (r *Report) Add(event apitype.EngineEvent) {
	switch {
	case event.ResourcePreEvent != nil:
		r.addStep(event.ResourcePreEvent.Metadata)
	case event.ResOutputsEvent != nil && event.ResOutputsEvent.Metadata.Type == stackType:
		r.outputs = &event.ResOutputsEvent.Metadata
	case event.DiagnosticEvent != nil:
		r.addWarning(event.DiagnosticEvent)
	case event.SummaryEvent != nil:
		r.counts = event.SummaryEvent.ResourceChanges
	}
}

func (r *Report) addStep(meta apitype.StepEventMetadata) {
	state := cmp.Or(meta.New, meta.Old)
	if marks[meta.Op] == "" || state == nil || !state.Custom {
		return
	}
	if r.steps == nil {
		r.steps = map[string]step{}
	}
	// A replacement is announced as a whole and in its parts.
	if known, ok := r.steps[meta.URN]; !ok || known.op != apitype.OpReplace {
		r.steps[meta.URN] = step{op: meta.Op, meta: meta}
	}
}

func (r *Report) addWarning(d *apitype.DiagnosticEvent) {
	text := strings.TrimSpace(colors.Never.Colorize(d.Message))
	if d.Severity == "warning" && !d.Ephemeral && text != "" && !slices.Contains(r.warnings, text) {
		r.warnings = append(r.warnings, text)
	}
}

// room is the component that a resource belongs to, such as network; "stack" for what belongs to none.
func room(urn string) string {
	types := strings.Split(string(resource.URN(urn).QualifiedType()), "$")
	for _, token := range types[:len(types)-1] {
		if token != stackType {
			parts := strings.Split(token, ":")
			return parts[min(1, len(parts)-1)]
		}
	}
	return "stack"
}

// ShortType leaves out of a type token what it says twice: aws:ec2/vpc:Vpc becomes aws:ec2:Vpc.
func ShortType(token string) string {
	module, name, found := strings.Cut(token, "/")
	if !found {
		return token
	}
	_, name, _ = strings.Cut(name, ":")
	return module + ":" + name
}

// rooms are the steps by component, in a fixed order: the names of the components, then types and names of resources.
func (r *Report) rooms() (names []string, steps map[string][]step) {
	steps = map[string][]step{}
	for urn, s := range r.steps {
		steps[room(urn)] = append(steps[room(urn)], s)
	}
	for name, all := range steps {
		names = append(names, name)
		slices.SortFunc(all, func(a, b step) int {
			return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(a.meta.Type, b.meta.Type), cmp.Compare(a.name(), b.name()))
		})
	}
	slices.Sort(names)
	return names, steps
}

// order puts what comes and goes, which is one line, before what changes, which has details.
func (s step) order() int {
	return slices.Index([]apitype.OpType{
		apitype.OpCreate, apitype.OpImport, apitype.OpDelete, apitype.OpUpdate, apitype.OpReplace,
	}, s.op)
}

func (s step) name() string { return resource.URN(s.meta.URN).Name() }
