package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/local/engine"
	"webstack/operate"
	"webstack/operate/verify"
)

// hostile rewrites the line before it, sets the clipboard and the title, and hides what follows.
const hostile = "a\x1b[1A\x1b[2Kb\x1b]52;c;cm0=\x07\r\u009b8m\u202ec\x7f\x08"

// safe fails when text has something that a terminal acts on.
func safe(t *testing.T, what, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\x1b\x07\r\u009b\u202e\x7f\x08") || !strings.Contains(text, `\u001b`) {
		t.Errorf("%s: %q", what, text)
	}
}

func TestNothingFromOutsideSteersTheTerminal(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	shown := func() string {
		defer out.Reset()
		return out.String()
	}
	o := &operator{Command: Command{Stdout: &out, Stderr: &problems}.filtered()}
	if err := o.writeLine(operate.LogLine{Time: time.Now(), Text: hostile}, true); err != nil {
		t.Fatal(err)
	}
	safe(t, "logs", shown())
	o.json = true
	if err := o.writeLine(operate.LogLine{Text: hostile}, false); err != nil {
		t.Fatal(err)
	}
	safe(t, "logs --json", shown())
	if err := writeReport(o.Stdout, verifyReport{Rows: []verify.Row{{Phase: 1, Looked: "x", Found: hostile}}}); err != nil {
		t.Fatal(err)
	}
	safe(t, "verify", shown())
	if err := o.writeApps(appsReport{Apps: []appReport{{Name: hostile}}, HostError: hostile}, false); err != nil {
		t.Fatal(err)
	}
	safe(t, "apps list", shown())
	safe(t, "errors", problems.String())

	p := newProgress(t.Context(), &out)
	p.say("  %s", hostile)
	safe(t, "progress", shown())
	watcher, stop := p.watch("Bringing up")
	watcher.event(events.EngineEvent{EngineEvent: apitype.EngineEvent{
		DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "warning", Message: hostile},
	}})
	stop()
	safe(t, "diagnostics", shown())
}

// A shell is a terminal of its own, and what a command writes may be a file.
func TestAShellIsNotFiltered(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	raw := Command{Stdout: &out, Stderr: &problems}.filtered().raw
	for _, w := range []struct {
		to  *bytes.Buffer
		err error
	}{{&out, write(raw.stdout)}, {&problems, write(raw.stderr)}} {
		if w.err != nil || w.to.String() != hostile {
			t.Errorf("%q, %v", w.to.String(), w.err)
		}
	}
}

func write(w interface{ Write([]byte) (int, error) }) error {
	_, err := w.Write([]byte(hostile))
	return err
}

func TestWhatStaysIsSaidWhenSomethingWasDone(t *testing.T) {
	t.Parallel()
	failed := &engine.RunError{Operation: "bring up", Problems: []string{"why"}}
	if got := upFailed(failed).Error(); got != "bring up the stack: why" {
		t.Errorf("nothing was done: %q", got)
	}
	failed.Done = 3
	if got := upFailed(failed).Error(); !strings.Contains(got, "why\n\nWhat was done stays (resources: 3).") {
		t.Errorf("something was done: %q", got)
	}
	if other := errors.New("other"); !errors.Is(upFailed(other), other) {
		t.Error("another error was lost")
	}
}

func TestAnInterruptedStepDoesNotClaimItsEnd(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{true, false} {
		var out bytes.Buffer
		interrupted := false
		p := &progress{out: &out, live: live, interrupted: func() bool { return interrupted }}
		done := p.step("Waiting for the host")
		interrupted = true
		done()
		if text := strings.ReplaceAll(out.String(), "Waiting for the host …", ""); strings.Contains(text, "0s") ||
			strings.Contains(text, "Waiting") || strings.Contains(text, "took") {
			t.Errorf("live %v: %q", live, out.String())
		}
	}
}
