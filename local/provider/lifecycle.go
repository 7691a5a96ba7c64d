package provider

import (
	"context"
	"errors"
	"fmt"
)

// previewCreate returns what a new resource will look like: inputs as given, everything that the API decides unknown.
func (t Type) previewCreate(in Values) Values {
	out := in.clone()
	for key, prop := range t.Props {
		if out[key] == nil && (prop.Output || prop.Computed) {
			out[key] = Unknown{}
		}
	}
	return out
}

// previewUpdate keeps what is known of the stored state and overlays the new inputs. What a creation that failed half
// way left without a value is unknown.
func (t Type) previewUpdate(change Change) Values {
	out := t.withoutRemoved(change.Old, change.New)
	for key, value := range change.New {
		out[key] = value
	}
	if change.all {
		out = t.previewCreate(out)
	}
	if t.Recomputed != nil {
		for _, key := range t.Recomputed(change.Changed) {
			out[key] = Unknown{}
		}
	}
	return out
}

// withoutRemoved returns the stored state without the inputs that the program no longer sets.
func (t Type) withoutRemoved(state, in Values) Values {
	out := Values{}
	for key, value := range state {
		prop := t.Props[key]
		if in[key] != nil || prop.Output || prop.Computed {
			out[key] = value
		}
	}
	return out
}

// create makes the resource and reads it back. On a partial failure the id and what is known come back with the error.
func (t Type) create(ctx context.Context, in Values, created func(id string)) (string, Values, error) {
	id, err := t.Create(ctx, in)
	if id == "" {
		if err == nil {
			err = errors.New("the API returned no id for the new resource")
		}
		return "", nil, err
	}
	created(id)
	if err != nil {
		return id, in, err
	}
	state, err := t.readBack(ctx, id, in)
	return id, state, err
}

func (t Type) update(ctx context.Context, change Change) (Values, error) {
	if t.Update == nil {
		return change.Old, errors.New("the laptop cloud does not support updates of this resource type")
	}
	if err := t.Update(ctx, change); err != nil {
		return change.Old, err
	}
	return t.readBack(ctx, change.ID, t.withoutRemoved(change.Old, change.New).overlaid(change.New))
}

// readBack reads a resource that was just written; it is an error if it is missing.
func (t Type) readBack(ctx context.Context, id string, known Values) (Values, error) {
	live, err := t.Read(ctx, id, known)
	if err != nil {
		return known, fmt.Errorf("read back: %w", err)
	}
	return t.stored(known, normalise(live)), nil
}

// stored merges the program's values with the API's. The API wins, unless it never returns a value, or returns it in a
// different but equivalent spelling.
func (t Type) stored(known, live Values) Values {
	out := known.clone()
	for key, value := range live {
		prop := t.Props[key]
		if known[key] != nil && prop.same(known[key], value) {
			continue
		}
		out[key] = value
	}
	return out
}

// imported finds the resource that a program imports by this id.
func (t Type) imported(ctx context.Context, id string) (string, Values, error) {
	if t.Import == nil {
		return id, nil, nil
	}
	own, known, err := t.Import(ctx, id)
	return own, normalise(known), err
}

// refresh reads a resource and says what its inputs look like now: only inputs the program set, so that what it
// never mentioned is no drift. ErrGone means that the resource is gone.
func (t Type) refresh(ctx context.Context, id string, state, inputs Values) (Values, Values, error) {
	live, err := t.Read(ctx, id, state)
	if err != nil {
		return nil, nil, err
	}
	live = normalise(live)
	outputs := t.stored(state, live)
	for key := range state {
		if _, seen := live[key]; !seen && !t.Props[key].InputOnly && !t.Props[key].Output && key != defaultsKey {
			delete(outputs, key) // the API no longer has it
		}
	}
	if inputs == nil {
		return outputs, t.importedInputs(outputs), nil
	}
	return outputs, t.refreshedInputs(inputs, outputs), nil
}

func (t Type) refreshedInputs(inputs, outputs Values) Values {
	out := Values{}
	for key, old := range inputs {
		prop := t.Props[key]
		live, present := outputs[key]
		switch {
		case key == defaultsKey, prop.InputOnly:
			out[key] = old
		case !present:
		default:
			out[key] = prop.restrict(old, live)
			if prop.same(old, out[key]) {
				out[key] = old
			}
		}
	}
	return out
}

// restrict keeps of a live object only the described members that the old one has, in nested objects and lists
// too. An object whose members are not described, such as tags, is taken whole.
func (p Prop) restrict(old, live any) any {
	if p.Fields == nil {
		return live
	}
	switch old := old.(type) {
	case Values:
		object, ok := live.(Values)
		if !ok {
			return live
		}
		out := Values{}
		for key, value := range old {
			if object[key] != nil {
				out[key] = p.Fields[key].restrict(value, object[key])
			}
		}
		return out
	case []any:
		list, ok := live.([]any)
		if !ok || len(list) != len(old) {
			return live
		}
		out := make([]any, len(list))
		for i := range list {
			out[i] = p.restrict(old[i], list[i])
		}
		return out
	default:
		return live
	}
}

// importedInputs derives inputs from a resource that no program has described yet. The tags that Check computes are
// among them, else every imported resource would look changed.
func (t Type) importedInputs(outputs Values) Values {
	out := Values{}
	for key, value := range outputs {
		if prop, ok := t.Props[key]; ok && (!prop.Output || key == "tagsAll") {
			out[key] = prop.settable(value)
		}
	}
	return out
}

// settable returns the value less those members of described objects that only the provider sets.
func (p Prop) settable(value any) any {
	switch value := value.(type) {
	case Values:
		out := Values{}
		for key, item := range value {
			if field := p.Fields[key]; !field.Output {
				out[key] = field.settable(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = p.settable(item)
		}
		return out
	default:
		return value
	}
}

func (v Values) overlaid(top Values) Values {
	out := v.clone()
	for key, value := range top {
		out[key] = value
	}
	return out
}
