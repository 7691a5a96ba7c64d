package pulumitest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// CheckShape reports everything that breaks the rules for all programs: two resources of one type and name, a custom
// resource that is no component's child, a custom resource or an invoke without an explicit provider.
func (r *Recorder) CheckShape(tb testing.TB) {
	tb.Helper()
	seen := map[string]bool{}
	for _, found := range r.All() {
		key := found.Type + "::" + found.Name
		if seen[key] {
			tb.Errorf("%s is registered twice", key)
		}
		seen[key] = true
		if isProvider(found) || found.Type == "pulumi:pulumi:Stack" {
			continue
		}
		parent := found.Request.GetParent()
		if found.Custom && (parent == "" || strings.Contains(parent, "pulumi:pulumi:Stack::")) {
			tb.Errorf("%s is no component's child", key)
		}
		if found.Custom && found.Request.GetProvider() == "" {
			tb.Errorf("%s has no explicit provider", key)
		}
	}
	for _, call := range r.Calls() {
		if call.Provider == "" {
			tb.Errorf("the invoke %s has no explicit provider", call.Token)
		}
	}
}

func isProvider(r Resource) bool { return strings.HasPrefix(r.Type, "pulumi:providers:") }

// CheckSecrets reports each of the "type.property" pairs that is not marked secret on every resource of the type, and
// pairs of which there is no resource.
func (r *Recorder) CheckSecrets(tb testing.TB, pairs ...string) {
	tb.Helper()
	for _, pair := range pairs {
		dot := strings.LastIndex(pair, ".")
		found := r.ByType(pair[:dot])
		if len(found) == 0 {
			tb.Errorf("there is no %s", pair[:dot])
		}
		for _, one := range found {
			if !one.IsSecret(pair[dot+1:]) {
				tb.Errorf("%s of %s %s is not secret", pair[dot+1:], one.Type, one.Name)
			}
		}
	}
}

// CheckFailures runs the program once for each type it registers, with every resource of that type failing, and
// reports types whose failure the program swallows.
func CheckFailures(t *testing.T, program pulumi.RunFunc, options Options) {
	t.Helper()
	for _, token := range MustRun(t, program, options).Types() {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			options := options
			cause := errors.New("no luck with " + token)
			options.Fail = func(r Resource) error {
				if r.Type == token {
					return cause
				}
				return nil
			}
			if _, err := Run(program, options); err == nil || !strings.Contains(err.Error(), cause.Error()) {
				t.Errorf("the program ends with %v", err)
			}
		})
	}
}

// CheckRefused runs a program that must fail with an error that contains each of the texts, before it registers any
// resource but components and providers.
func CheckRefused(tb testing.TB, program pulumi.RunFunc, options Options, texts ...string) {
	tb.Helper()
	recorder, err := Run(program, options)
	if err == nil {
		tb.Fatal("the program is not refused")
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			tb.Errorf("the error does not say %q: %v", text, err)
		}
	}
	for _, found := range recorder.All() {
		if found.Custom && !isProvider(found) {
			tb.Errorf("%s is registered all the same", fmt.Sprintf("%s::%s", found.Type, found.Name))
		}
	}
}
