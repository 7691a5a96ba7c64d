package appfile

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"config:\n  webstack:apps:\n    shop: {}\n    blog:\n      bogus: 1\n": {"shop", "blog"},
		"config:\n  webstack:apps: {}\n":                                       nil,
		"config:\n  webstack:apps: 3\n":                                        nil,
		"config: {}\n":                                                         nil,
		"":                                                                     nil,
	} {
		if got, err := Names([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := Names([]byte("a: [")); err == nil {
		t.Error("took text that is not YAML")
	}
}
