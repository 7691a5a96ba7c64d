package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"webstack/internal/command"
	"webstack/internal/operate"
	"webstack/internal/operate/verify"
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
	o := &operator{Streams: command.NewStreams(nil, &out, &problems)}
	if err := o.writeLine(operate.LogLine{Time: time.Now(), Text: hostile}, true); err != nil {
		t.Fatal(err)
	}
	safe(t, "logs", shown())
	o.json = true
	if err := o.writeLine(operate.LogLine{Text: hostile}, false); err != nil {
		t.Fatal(err)
	}
	safe(t, "logs --json", shown())
	if err := writeReport(o.Out, verifyReport{Rows: []verify.Row{{Phase: 1, Looked: "x", Found: hostile}}}); err != nil {
		t.Fatal(err)
	}
	safe(t, "verify", shown())
	if err := o.writeApps(appsReport{Apps: []appReport{{Name: hostile}}, HostError: hostile}, false); err != nil {
		t.Fatal(err)
	}
	safe(t, "apps list", shown())
	safe(t, "errors", problems.String())

	p := command.NewProgress(t.Context(), &out)
	p.Say("  %s", hostile)
	safe(t, "progress", shown())
}

// A shell is a terminal of its own, and what a command writes may be a file.
func TestAShellIsNotFiltered(t *testing.T) {
	t.Parallel()
	var out, problems bytes.Buffer
	streams := command.NewStreams(nil, &out, &problems)
	for to, raw := range map[*bytes.Buffer]io.Writer{&out: streams.RawOut, &problems: streams.RawErr} {
		if _, err := io.WriteString(raw, hostile); err != nil || to.String() != hostile {
			t.Errorf("%q, %v", to.String(), err)
		}
	}
}
