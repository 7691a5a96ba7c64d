package provider

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNormalise: the Go values that types use become the few shapes of Values.
func TestNormalise(t *testing.T) {
	t.Parallel()
	type kind string
	priority, none := uint16(10), (*string)(nil)
	got := normalise(Values{
		"small": int32(1), "large": int64(2), "port": priority, "pointer": &priority, "ratio": float32(0.5), "yes": true,
		"kind": kind("a"), "names": []kind{"a", "b"}, "tags": map[string]string{"a": "b"}, "objects": []Values{{"n": 1}},
		"nothing": nil, "nil": none, "no list": []string(nil), "empty": []string{}, "unknown": Unknown{},
	})
	want := Values{
		"small": 1.0, "large": 2.0, "port": 10.0, "pointer": 10.0, "ratio": 0.5, "yes": true,
		"kind": "a", "names": []any{"a", "b"}, "tags": Values{"a": "b"}, "objects": []any{Values{"n": 1.0}},
		"empty": []any{}, "unknown": Unknown{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
