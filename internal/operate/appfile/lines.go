package appfile

import (
	"slices"
	"strings"
)

// lines is a text split into lines, each with its line end.
type lines struct {
	text []string
	// end is the line end of new lines.
	end string
}

func newLines(text []byte) *lines {
	f := &lines{text: strings.SplitAfter(string(text), "\n"), end: "\n"}
	if strings.HasSuffix(f.text[0], "\r\n") {
		f.end = "\r\n"
	}
	if f.text[len(f.text)-1] == "" { // after the last line end
		f.text = f.text[:len(f.text)-1]
	}
	return f
}

func (f *lines) bytes() []byte { return []byte(strings.Join(f.text, "")) }

// insert inserts lines before line at, indented by the given number of spaces.
func (f *lines) insert(at, indent int, more []string) {
	if at > 0 && !strings.HasSuffix(f.text[at-1], "\n") {
		f.text[at-1] += f.end
	}
	var text []string
	for _, line := range indented(more, indent) {
		text = append(text, line+f.end)
	}
	f.text = slices.Insert(f.text, at, text...)
}

func indented(text []string, spaces int) []string {
	out := make([]string, len(text))
	for i, line := range text {
		out[i] = strings.Repeat(" ", spaces) + line
	}
	return out
}

// after returns the line after the block whose key is on line at, in the given column. Deeper lines belong to the
// block, including comments; blank lines and comments after it do not.
func (f *lines) after(at, column int) int {
	end := at + 1
	for i := at + 1; i < len(f.text); i++ {
		line := strings.TrimRight(f.text[i], " \t\r\n")
		rest := strings.TrimLeft(line, " ")
		switch deeper := len(line)-len(rest) > column; {
		case rest == "":
		case deeper:
			end = i + 1
		case rest[0] != '#':
			return end
		}
	}
	return end
}
