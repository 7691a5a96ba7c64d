// Webstack-local is the command of the laptop cloud. See package cli.
package main

import (
	"os"

	"webstack/local/cli"
)

func main() {
	os.Exit(cli.Command{Stdout: os.Stdout, Stderr: os.Stderr, Dir: "."}.Main(os.Args[1:]))
}
