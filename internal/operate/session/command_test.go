package session

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// Output is cut into messages anywhere, so marks are found wherever they are cut.
func TestMarksAreTakenOut(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "one\ntwo\n", "[", "[[x]:7]", "no line end"} {
		for size := 1; size < 60; size++ {
			var out bytes.Buffer
			c := newCommand("x", true, &out)
			mark := string(c.mark)
			whole := mark + "]" + text + mark[:9] + "!" + mark + "x" + mark + ":17]"
			for len(whole) > 0 {
				n := min(size, len(whole))
				if _, err := c.Write([]byte(whole[:n])); err != nil {
					t.Fatal(err)
				}
				whole = whole[n:]
			}
			if err := c.flush(); err != nil {
				t.Fatal(err)
			}
			if want := text + mark[:9] + "!" + mark + "x"; out.String() != want || !c.ended || c.code != 17 {
				t.Fatalf("in pieces of %d: %q, want %q; ended %v with %d", size, out.String(), want, c.ended, c.code)
			}
		}
	}
}

func TestOutputIsNotHeldBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := newCommand("x", true, &out)
	for _, text := range []string{string(c.mark) + "]", "a prompt: ", "[y/n] "} {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != "a prompt: [y/n] " {
		t.Errorf("shown: %q", out.String())
	}
}

func TestQuotedTextIsOneWord(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "it's", `"$x" \n`, "{{a}}", "{{{{", "'{{'", "a\nb"} {
		line := "printf %s " + quote(quote(text))
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "eval \"$("+line+" | sed 's/^/printf %s /;q')\"").Output()
		if strings.Contains(line, "{{") {
			t.Errorf("%q has parameters: %s", text, line)
		}
		if first, _, several := strings.Cut(text, "\n"); !several && (err != nil || string(out) != first) {
			t.Errorf("%q became %q, %v", text, out, err)
		}
	}
}
