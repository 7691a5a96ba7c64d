// Command gen writes docs/commands.md. It runs in the folder internal/cli.
package main

import (
	"fmt"
	"os"

	"webstack/internal/cli"
	"webstack/internal/cli/internal/reference"
	"webstack/internal/command"
)

func main() {
	text := reference.Text(cli.Root(command.Streams{}, "."))
	if err := os.WriteFile("../../docs/commands.md", []byte(text), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
