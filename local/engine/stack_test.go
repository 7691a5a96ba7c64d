package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/internal/preview"
)

func up(t *testing.T, f *fixture) map[apitype.OpType]int {
	t.Helper()
	changes, err := f.open(t).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func wantValues(t *testing.T, f *fixture, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), f.cloud.values()); diff != "" {
		t.Errorf("what the cloud holds (-want +got):\n%s", diff)
	}
}

func TestUpConvergesAndThenChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.configure(t, thing{Name: "first", Value: "a"}, thing{Name: "second", Value: "b"})
	before, err := os.ReadFile(f.configFile())
	if err != nil {
		t.Fatal(err)
	}
	if got := up(t, f)[apitype.OpCreate]; got != 4 { // the stack, the component, two things
		t.Errorf("created %d, want 4", got)
	}
	wantValues(t, f, "a", "b")
	changes := up(t, f)
	delete(changes, apitype.OpSame)
	if len(changes) != 0 {
		t.Errorf("the second run changed %v", changes)
	}
	if after, err := os.ReadFile(f.configFile()); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the config file changed (%v):\n%s", err, after)
	}
	outputs, err := f.open(t).Outputs(t.Context())
	if err != nil || outputs["second"].Value != "thing-2" {
		t.Errorf("outputs: %v, %v", outputs, err)
	}
}

func TestPreviewShowsTheDifferenceAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	up(t, f)
	f.configure(t, thing{Name: "first", Value: "z"})
	var out bytes.Buffer
	var report preview.Report
	f.options.Watch = func(event events.EngineEvent) { report.Add(event.EngineEvent) }
	changes, err := f.open(t).Preview(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if changes[apitype.OpUpdate] != 1 || !strings.Contains(report.Text(), "~ tiny:index:Thing             first\n      value: a → z\n") {
		t.Errorf("changes %v, text:\n%s", changes, report.Text())
	}
	if _, err := f.open(t).Preview(t.Context(), &out); err != nil || !strings.Contains(out.String(), `value: "a" => "z"`) {
		t.Errorf("%v, text in full:\n%s", err, out.String())
	}
	wantValues(t, f, "a")
}

func TestRefreshFindsDriftAndUpRevertsIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	up(t, f)
	f.cloud.set("thing-1", "by hand")
	changes, err := f.open(t).Refresh(t.Context())
	if err != nil || changes[apitype.OpUpdate] != 1 {
		t.Errorf("changes %v, %v; want one update", changes, err)
	}
	if got := up(t, f)[apitype.OpUpdate]; got != 1 {
		t.Errorf("updated %d, want 1", got)
	}
	wantValues(t, f, "a")
}

func TestAFailedRunNamesTheResourceAndTheNextOneCompletes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.configure(t, thing{Name: "first", Value: "a"}, thing{Name: "second", Value: "b"}, thing{Name: "third", Value: "c"})
	f.cloud.change(func() { f.cloud.failing = "b" })
	_, err := f.open(t).Up(t.Context())
	if failed := (*RunError)(nil); !errors.As(err, &failed) {
		t.Fatalf("got %v, want a RunError", err)
	}
	if !strings.Contains(err.Error(), "second: ") || !strings.Contains(err.Error(), "the cloud is full") {
		t.Errorf("the error does not say what failed: %v", err)
	}
	f.cloud.change(func() { f.cloud.failing = "" })
	up(t, f)
	wantValues(t, f, "a", "b", "c")
}

func TestAProgramThatDoesNotCompileIsReported(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.copy(t, "testdata/Pulumi.yaml", "broken.go")
	_, err := f.open(t).Up(t.Context())
	if err == nil || !strings.Contains(err.Error(), "broken.go:1:1: expected 'package'") {
		t.Errorf("got %v, want the compiler's message", err)
	}
}

func TestDestroyDeletesWhatIsProtectedAndRetained(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.configure(t, thing{Name: "kept", Value: "a", Protect: true}, thing{Name: "left", Value: "b", Retain: true})
	up(t, f)
	if _, err := f.open(t).Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantValues(t, f)
	if said := f.saying(); !strings.Contains(said, "Removing the protection of kept") {
		t.Errorf("said %s", said)
	}
	resources, err := f.open(t).Resources(t.Context())
	if err != nil || len(resources) != 0 {
		t.Errorf("the state still holds %v, %v", resources, err)
	}
}

func TestLostResourcesAreCreatedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.options.Lost = func(_ context.Context, resources []apitype.ResourceV3) (string, error) {
		for _, r := range resources {
			if r.Type == "tiny:index:Thing" && len(f.cloud.values()) == 0 {
				return "Thing " + string(r.ID), nil
			}
		}
		return "", nil
	}
	up(t, f)
	up(t, f)
	if said := f.saying(); strings.Contains(said, "gone") {
		t.Errorf("said %s", said)
	}
	f.cloud.change(func() { clear(f.cloud.things) })
	up(t, f)
	wantValues(t, f, "a")
	if said := f.saying(); !strings.Contains(said, "Thing thing-1 is gone; refreshing the state first.") {
		t.Errorf("said %s", said)
	}
}

func TestAStateOfAnotherRunOfTheCloudIsRefreshedFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	up(t, f)
	f.cloud.change(func() { clear(f.cloud.things) })
	f.options.CloudID = "second life"
	up(t, f)
	wantValues(t, f, "a")
	if said := f.saying(); !strings.Contains(said, "The laptop cloud was restarted") {
		t.Errorf("said %s", said)
	}
}
