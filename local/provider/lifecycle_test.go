package provider

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shelf keeps boxes in memory, as an API would.
type shelf struct {
	boxes   map[string]Values
	failing error // what Create returns beside the id
}

func (s *shelf) boxType() Type {
	t := box()
	t.Create = func(_ context.Context, in Values) (string, error) {
		live := in.clone()
		delete(live, "token")
		live["arn"], live["zone"], live["tags"] = "arn:1", "z1", in["tagsAll"]
		s.boxes["1"] = live
		return "1", s.failing
	}
	t.Read = func(_ context.Context, id string, _ Values) (Values, error) {
		live, ok := s.boxes[id]
		if !ok {
			return nil, ErrGone
		}
		return live.clone(), nil
	}
	t.Update = func(_ context.Context, change Change) error {
		for key, value := range change.New {
			if change.Changed(key) {
				s.boxes[change.ID][key] = value
			}
		}
		return nil
	}
	t.Delete = func(_ context.Context, id string, _ Values) error { delete(s.boxes, id); return nil }
	return t.splittingTags(map[string]string{"stack": "dev"})
}

func checked(t *testing.T, typ Type, in Values) Values {
	t.Helper()
	out, problems := typ.check(in, nil, naming{resourceName: "crate"}, map[string]string{"stack": "dev"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return out
}

func TestCreateStoresInputsAndWhatTheAPISays(t *testing.T) {
	t.Parallel()
	typ := (&shelf{boxes: map[string]Values{}}).boxType()
	in := checked(t, typ, good().overlaid(Values{"token": "s3cret", "tags": Values{"a": "b"}}))
	var journalled string
	id, state, err := typ.create(t.Context(), in, func(id string) { journalled = id })
	if err != nil || id != "1" || journalled != "1" {
		t.Fatalf("id %q, journal %q, error %v", id, journalled, err)
	}
	want := Values{"arn": "arn:1", "zone": "z1", "token": "s3cret", "tags": Values{"a": "b"}, "size": 1.0}
	for key, value := range want {
		if diff := cmp.Diff(value, state[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	if diff := cmp.Diff(Values{"a": "b", "stack": "dev"}, state.Object("tagsAll")); diff != "" {
		t.Error(diff)
	}
}

func TestRefreshWithoutDriftChangesNoInput(t *testing.T) {
	t.Parallel()
	typ := (&shelf{boxes: map[string]Values{}}).boxType()
	in := checked(t, typ, good().overlaid(Values{"token": "s3cret", "labels": []any{"b", "a"}}))
	id, state, err := typ.create(t.Context(), in, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	_, inputs, err := typ.refresh(t.Context(), id, state, in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(in, inputs); diff != "" {
		t.Error(diff)
	}
}

func TestRefreshSeesDriftOnlyInWhatTheProgramSets(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{}}
	typ := s.boxType()
	in := checked(t, typ, good().overlaid(Values{"lid": Values{"hinges": 2.0}, "policy": `{"Statement":[]}`}))
	id, state, err := typ.create(t.Context(), in, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	s.boxes[id]["color"] = "blue"
	s.boxes[id]["zone"] = "z2"
	s.boxes[id]["lid"] = Values{"hinges": 2.0, "colour": "green"}
	s.boxes[id]["policy"] = `{ "Statement": [] }`
	s.boxes[id]["tags"] = Values{"stack": "dev", "by": "hand"}
	delete(s.boxes[id], "content")
	outputs, inputs, err := typ.refresh(t.Context(), id, state, in)
	if err != nil {
		t.Fatal(err)
	}
	want := in.clone()
	want["color"] = "blue"
	want["tagsAll"] = Values{"stack": "dev", "by": "hand"}
	delete(want, "content")
	if diff := cmp.Diff(want, inputs); diff != "" {
		t.Error(diff)
	}
	if outputs.Str("zone") != "z2" {
		t.Errorf("zone %q", outputs.Str("zone"))
	}
}

func TestRefreshAndImport(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{"7": {"size": 3.0, "arn": "arn:7", "color": "red"}}}
	outputs, inputs, err := s.boxType().refresh(t.Context(), "7", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Values{"size": 3.0, "color": "red", "tagsAll": Values{}}, inputs); diff != "" {
		t.Error(diff)
	}
	if outputs.Str("arn") != "arn:7" {
		t.Errorf("arn %q", outputs.Str("arn"))
	}
	if _, _, err := s.boxType().refresh(t.Context(), "8", good(), good()); !errors.Is(err, ErrGone) {
		t.Errorf("a resource that is gone: error %v", err)
	}
}

func TestStoredFormOfAnInputThatIsNotGivenBack(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{}}
	typ := s.boxType()
	in := checked(t, typ, good().overlaid(Values{"token": "s3cret"}))
	id, _, err := typ.create(t.Context(), in, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	s.boxes[id]["token"] = "hash of s3cret"
	outputs, inputs, err := typ.refresh(t.Context(), id, in, in)
	if err != nil {
		t.Fatal(err)
	}
	if inputs.Str("token") != "s3cret" || outputs.Str("token") != "hash of s3cret" {
		t.Errorf("input %q, output %q", inputs.Str("token"), outputs.Str("token"))
	}
}

func TestUpdateSetsWhatChangedAndForgetsWhatWasRemoved(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{"1": {"content": "x", "color": "red", "zone": "z1"}}}
	typ := s.boxType()
	old := Values{"content": "x", "color": "red", "zone": "z1", "policy": "{}"}
	change := Change{ID: "1", Old: old, New: Values{"content": "x", "color": "blue"}, changed: map[string]bool{"color": true}}
	state, err := typ.update(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	want := Values{"content": "x", "color": "blue", "zone": "z1", "tagsAll": Values{}}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Error(diff)
	}
}

func TestPreviews(t *testing.T) {
	t.Parallel()
	typ := box()
	typ.Recomputed = func(changed func(...string) bool) []string {
		if changed("color") {
			return []string{"arn"}
		}
		return nil
	}
	created := typ.previewCreate(good())
	for _, key := range []string{"arn", "zone", "tagsAll"} {
		if created[key] != (Unknown{}) {
			t.Errorf("create: %s is %v", key, created[key])
		}
	}
	old := good().overlaid(Values{"arn": "arn:1", "zone": "z1", "color": "red", "policy": "{}"})
	change := Change{Old: old, New: good().overlaid(Values{"color": "blue"}), changed: map[string]bool{"color": true}}
	want := good().overlaid(Values{"arn": Unknown{}, "zone": "z1", "color": "blue"})
	if diff := cmp.Diff(want, typ.previewUpdate(change)); diff != "" {
		t.Errorf("update: %s", diff)
	}
	finishing := Change{Old: good(), New: good(), all: true}
	if arn := typ.previewUpdate(finishing)["arn"]; arn != (Unknown{}) {
		t.Errorf("update after a half failed creation: arn is %v", arn)
	}
}

func TestCreateFailures(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	typ := (&shelf{boxes: map[string]Values{}, failing: boom}).boxType()
	id, state, err := typ.create(t.Context(), checked(t, typ, good()), func(string) {})
	if id != "1" || state == nil || !errors.Is(err, boom) {
		t.Errorf("half made: id %q, state %v, error %v", id, state, err)
	}
	typ.Create = func(context.Context, Values) (string, error) { return "", boom }
	if id, _, err := typ.create(t.Context(), good(), func(string) {}); id != "" || !errors.Is(err, boom) {
		t.Errorf("not made: id %q, error %v", id, err)
	}
}
