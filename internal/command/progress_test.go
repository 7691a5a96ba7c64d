package command

import (
	"bytes"
	"strings"
	"testing"
)

func TestALogGetsWholeLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(t.Context(), &out)
	done := p.Step("Compiling")
	p.Say("%d of %d", 1, 2)
	done()
	if got, want := out.String(), "Compiling …\n1 of 2\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATerminalsStatusLineMakesRoomForLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &Progress{out: &out, live: true}
	done := p.Step("Compiling")
	p.Say("a line")
	done()
	want := "Compiling …\r\x1b[Ka line\nCompiling …\r\x1b[KCompiling: 0s\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
func TestAnInterruptedStepDoesNotClaimItsEnd(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{true, false} {
		var out bytes.Buffer
		interrupted := false
		p := &Progress{out: &out, live: live, interrupted: func() bool { return interrupted }}
		done := p.Step("Waiting for the host")
		interrupted = true
		done()
		if text := strings.ReplaceAll(out.String(), "Waiting for the host …", ""); strings.Contains(text, "0s") ||
			strings.Contains(text, "Waiting") || strings.Contains(text, "took") {
			t.Errorf("live %v: %q", live, out.String())
		}
	}
}
