package preview

import (
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// contextLines are shown before and behind a changed line.
const contextLines = 3

// hunks is the unified diff of two texts without its head.
func hunks(before, after string) []string {
	before, after = ended(before), ended(after)
	diff, err := udiff.ToUnified("", "", before, slide(before, udiff.Lines(before, after)), contextLines)
	if err != nil { // the edits do not belong to the text, which cannot be
		return strings.Split(after, "\n")
	}
	lines := strings.Split(strings.TrimSuffix(diff, "\n"), "\n")
	return lines[min(2, len(lines)):]
}

// ended gives a text that is not empty an end of line.
func ended(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// slide moves what is inserted or deleted to where a reader expects it. Where a block resembles its neighbours, as the
// services of a compose file do, it may begin at any line of them with the same result; it should begin where the
// text is indented the least, behind a blank line if there is one.
func slide(before string, edits []udiff.Edit) []udiff.Edit {
	lines := strings.SplitAfter(before, "\n")
	lines = lines[:len(lines)-1] // behind the last end of line
	lineAt := func(offset int) int { return strings.Count(before[:offset], "\n") }
	offsetOf := func(line int) int { return len(strings.Join(lines[:line], "")) }
	out := slices.Clone(edits)
	for i, edit := range edits {
		low, high := 0, len(lines)
		if i > 0 {
			low = lineAt(out[i-1].End) + 1
		}
		if i+1 < len(edits) {
			high = lineAt(edits[i+1].Start) - 1
		}
		start, end := lineAt(edit.Start), lineAt(edit.End)
		switch {
		case start == end:
			block, at := place(lines, strings.SplitAfter(strings.TrimSuffix(edit.New, "\n"), "\n"), start, low, high)
			out[i] = udiff.Edit{Start: offsetOf(at), End: offsetOf(at), New: strings.Join(block, "")}
		case edit.New == "":
			rest := slices.Delete(slices.Clone(lines), start, end)
			_, at := place(rest, slices.Clone(lines[start:end]), start, low, high-(end-start))
			out[i] = udiff.Edit{Start: offsetOf(at), End: offsetOf(at + end - start)}
		}
	}
	return out
}

// place finds the best place of a block between lines, from low to high, that gives the same text as the place at.
func place(lines, block []string, at, low, high int) ([]string, int) {
	if last := len(block) - 1; !strings.HasSuffix(block[last], "\n") {
		block[last] += "\n"
	}
	for at > low && lines[at-1] == block[len(block)-1] {
		block = append([]string{block[len(block)-1]}, block[:len(block)-1]...)
		at--
	}
	best, bestAt, least := slices.Clone(block), at, cost(lines, block, at)
	for at < high && at < len(lines) && lines[at] == block[0] {
		block = append(slices.Clone(block[1:]), block[0])
		at++
		if c := cost(lines, block, at); c <= least {
			best, bestAt, least = slices.Clone(block), at, c
		}
	}
	return best, bestAt
}

// cost is how badly a block begins: by the indentation of its first line, and whether a blank line is before it.
func cost(lines, block []string, at int) int {
	const blank, noGap = 1000, 1
	first := strings.TrimRight(block[0], " \t\n")
	indent := 2 * (len(first) - len(strings.TrimLeft(first, " \t")))
	if first == "" {
		indent = blank
	}
	if at == 0 || strings.TrimSpace(lines[at-1]) == "" {
		return indent
	}
	return indent + noGap
}
