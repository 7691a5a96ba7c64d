// Package printable makes text from elsewhere safe to show on a terminal. What an app logs, what a visitor put into a
// header and what a server answers may hold escape sequences that rewrite lines, set the clipboard or hide text.
package printable

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Text returns text with its control characters spelled out, such as \u001b for escape. Line ends and tabs stay, and
// a carriage return before a line end goes. The spelling is JSON's, so JSON text keeps its meaning.
func Text(text string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	return string(spell(nil, []byte(text)))
}

// Line is Text for one row of a table: runs of white space, line ends among them, become one space.
func Line(text string) string { return Text(strings.Join(strings.Fields(text), " ")) }

// OneLine joins the lines of an error.
func OneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// hidden tells whether a terminal acts on r instead of showing it, or shows the text around it in another order.
func hidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp)
}

// spell appends text to out, spelled out where it must be.
func spell(out, text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out = fmt.Appendf(out, `\u%04x`, text[0])
		case hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// Writer passes what is written to it on to Out, as Text does.
type Writer struct {
	// Out gets the text.
	Out io.Writer

	mu sync.Mutex
	// rest is the beginning of a character, or of a line end, whose other bytes come with the next write.
	rest []byte
}

// Write writes p, and keeps back the beginning of a character at its end.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.rest, p...)
	whole := len(text) - begun(text)
	if _, err := w.Out.Write(spell(nil, text[:whole])); err != nil {
		return 0, err
	}
	w.rest = bytes.Clone(text[whole:])
	return len(p), nil
}

// begun is how many bytes at the end of text belong to what is not complete yet.
func begun(text []byte) int {
	if bytes.HasSuffix(text, []byte("\r")) {
		return 1
	}
	for size := 1; size < utf8.UTFMax && size <= len(text); size++ {
		if end := text[len(text)-size:]; utf8.RuneStart(end[0]) {
			if utf8.FullRune(end) {
				return 0
			}
			return size
		}
	}
	return 0
}
