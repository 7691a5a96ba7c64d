package printable

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "",
		"plain\ttext\n":                "plain\ttext\n",
		"Grüße, 你好 👋":                  "Grüße, 你好 👋",
		"\x1b[31mred\x1b[0m":           `\u001b[31mred\u001b[0m`,
		"\x1b]52;c;cm0gLXJm\a":         `\u001b]52;c;cm0gLXJm\u0007`,
		"50 %\r100 %\r\ndone\r\n":      "50 %\\u000d100 %\ndone\n",
		"\u009b2J":                     `\u009b2J`,
		"\x9b2J":                       `\u009b2J`, // one byte, which a terminal that is not in UTF-8 obeys
		"a\bb\x7f\x00":                 `a\u0008b\u007f\u0000`,
		"user\u202etxt.exe":            `user\u202etxt.exe`,
		"one\u2028two":                 `one\u2028two`,
		"a backslash \\u001b is text":  "a backslash \\u001b is text",
		"cut off \xe4\xbd":             `cut off \u00e4\u00bd`,
		"\ufffd is a character itself": "\ufffd is a character itself",
	} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
	if got := Line(" a\r\n  b\x1b[A \n"); got != `a b\u001b[A` {
		t.Errorf("Line: %q", got)
	}
}

// A write may end anywhere, within a character too.
func TestWriterTakesTextInPieces(t *testing.T) {
	t.Parallel()
	const text = "Grüße 你好 👋\r\nup\x1b[A\rdown \xe4\xbd. \u009b end\n"
	for size := 1; size < len(text); size++ {
		var out strings.Builder
		w := &Writer{Out: &out}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if written, err := w.Write([]byte(rest[:n])); written != n || err != nil {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if out.String() != Text(text) {
			t.Errorf("%d bytes at a time: %q, want %q", size, out.String(), Text(text))
		}
	}
}

func TestJSONKeepsItsMeaning(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r <= unicode.MaxLatin1; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\u2028\u2029\u202a\u202e\u2066\u2069\u200e\u200f\u061c")
	text, err := json.Marshal(all.String())
	if err != nil {
		t.Fatal(err)
	}
	shown := Text(string(text))
	if strings.ContainsFunc(shown, hidden) {
		t.Errorf("%q is not safe to show", shown)
	}
	var got string
	if err := json.Unmarshal([]byte(shown), &got); err != nil || got != all.String() {
		t.Errorf("%v: %q became %q", err, all.String(), got)
	}
}
