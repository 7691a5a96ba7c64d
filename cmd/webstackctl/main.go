// Command webstackctl is the program that runs on a Webstack host; see package webstack/host/ctl.
package main

import (
	"os"

	"webstack/host/ctl"
)

func main() {
	os.Exit(ctl.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}.Main(os.Args[1:]))
}
