package lab

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Block is a shell example of the documentation.
type Block struct {
	// File is the page, relative to the project's folder.
	File string
	// Commands are its lines without comments, each a whole command.
	Commands []string
}

var fence = regexp.MustCompile("(?ms)^[ \t]*```sh\n(.*?)^[ \t]*```$")

// Documented returns every shell example of README.md and docs/.
func Documented(tb testing.TB) []Block {
	tb.Helper()
	root := ProjectRoot(tb)
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		tb.Fatal(err)
	}
	var blocks []Block
	for _, page := range append([]string{filepath.Join(root, "README.md")}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			tb.Fatal(err)
		}
		name, err := filepath.Rel(root, page)
		if err != nil {
			tb.Fatal(err)
		}
		for _, found := range fence.FindAllStringSubmatch(string(text), -1) {
			if commands := commandsOf(found[1]); len(commands) > 0 {
				blocks = append(blocks, Block{name, commands})
			}
		}
	}
	return blocks
}

var comment = regexp.MustCompile(`(^|\s+)# .*$`)

// commandsOf splits an example into commands: one per line, unless a line ends with a backslash.
func commandsOf(text string) []string {
	var commands []string
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if command := strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), "")); command != "" {
			commands = append(commands, command)
		}
	}
	return commands
}
