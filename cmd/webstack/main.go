// Webstack is the operator's command. See package cli.
package main

import (
	"os"

	"webstack/internal/cli"
)

func main() {
	command := cli.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Dir: "."}
	os.Exit(command.Main(os.Args[1:]))
}
