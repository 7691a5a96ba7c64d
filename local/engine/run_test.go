package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

const (
	stackURN = "urn:pulumi:local::shop::pulumi:pulumi:Stack::shop-local"
	vpcURN   = "urn:pulumi:local::shop::aws:ec2/vpc:Vpc::main"
)

// failing returns the end of a run that reported these messages.
func failing(t *testing.T, taken ...apitype.EngineEvent) *RunError {
	t.Helper()
	r := (&Stack{}).begin("preview")
	for _, event := range taken {
		r.events <- events.EngineEvent{EngineEvent: event}
	}
	close(r.events)
	var failed *RunError
	if !errors.As(r.end(errors.New("exit status 255\ncode: 255\nstdout: much\nstderr: error: why it stopped\n")), &failed) {
		t.Fatal("the run has not failed")
	}
	return failed
}

func diagnostic(urn, message string) apitype.EngineEvent {
	return apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{URN: urn, Severity: "error", Message: message}}
}

func printed(message string) apitype.EngineEvent {
	event := diagnostic(stackURN, message)
	event.DiagnosticEvent.Severity = "info#err"
	return event
}

func TestAFailedRunGivesItsReasonsOnceAndUnwrapped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events []apitype.EngineEvent
		want   string
	}{
		"one problem of the program": {
			[]apitype.EngineEvent{diagnostic(stackURN, "<{%reset%}>an unhandled error occurred: program failed: \n"+
				"1 error occurred:\n\t* apps.shop.port: there is no such field\n\n<{%reset%}>")},
			"preview the stack: apps.shop.port: there is no such field",
		},
		"many lines in one": {
			[]apitype.EngineEvent{diagnostic(stackURN, "an unhandled error occurred: program failed: \n"+
				"1 error occurred:\n\t* apps.shop: wrong\napps.blog: wrong, too\n\n")},
			"preview the stack:\n  apps.shop: wrong\n  apps.blog: wrong, too",
		},
		"several errors, and one of them twice": {
			[]apitype.EngineEvent{
				diagnostic(stackURN, "program failed: 2 errors occurred:\n\t* first\n\t* second\n\n"),
				diagnostic(stackURN, "error: second"), diagnostic(vpcURN, "it is full"),
			},
			"preview the stack: 3 problems\n  - first\n  - second\n  - main: it is full",
		},
		"printed by the SDK": {
			[]apitype.EngineEvent{printed("<{%reset%}>waiting for RPCs: marshaling properties: awaiting input property \"subnetId\": no zone\n")},
			"preview the stack: awaiting input property \"subnetId\": no zone",
		},
		"printed beside a reason": {
			[]apitype.EngineEvent{printed("waiting for RPCs: no zone"), diagnostic(vpcURN, "it is full")},
			"preview the stack: main: it is full",
		},
		"other words of the program": {[]apitype.EngineEvent{printed("hello")}, "preview the stack: why it stopped"},
		"nothing but the end":        {nil, "preview the stack: why it stopped"},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, failing(t, test.events...).Error()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Only what really happened counts as done.
func TestAFailedRunKnowsWhatItHasDone(t *testing.T) {
	t.Parallel()
	step := func(op apitype.OpType, urn, token string, custom, planning bool) apitype.EngineEvent {
		state := &apitype.StepEventStateMetadata{Custom: custom}
		return apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Planning: planning,
			Metadata: apitype.StepEventMetadata{Op: op, URN: urn, Type: token, New: state}}}
	}
	for want, event := range map[int]apitype.EngineEvent{
		1: step(apitype.OpCreate, vpcURN, "aws:ec2/vpc:Vpc", true, false),
		0: step(apitype.OpCreate, stackURN, "pulumi:pulumi:Stack", false, false),
	} {
		if got := failing(t, event).Done; got != want {
			t.Errorf("%+v: %d", event, got)
		}
	}
	for _, event := range []apitype.EngineEvent{
		step(apitype.OpSame, vpcURN, "aws:ec2/vpc:Vpc", true, false), step(apitype.OpCreate, vpcURN, "aws:ec2/vpc:Vpc", true, true),
		step(apitype.OpCreate, "urn", "pulumi:providers:aws", true, false), step(apitype.OpRead, vpcURN, "aws:ec2/vpc:Vpc", true, false),
	} {
		if got := failing(t, event).Done; got != 0 {
			t.Errorf("%+v counts as done", event.ResOutputsEvent.Metadata)
		}
	}
}

func TestReasonsKeepTheirOwnWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", "a list:\n  * one\n  * two", "error codes: 2", "it ended: program failed: why"} {
		if got := reasons(text); len(got) != 1 || got[0] != strings.TrimSpace(text) {
			t.Errorf("%q became %q", text, got)
		}
	}
}
