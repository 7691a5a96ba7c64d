// Command webstack is the program that Pulumi runs: pulumi up builds the stack that Pulumi.<stack>.yaml describes.
package main

import (
	"os"

	"webstack/stack"
)

func main() { os.Exit(stack.Run(stack.Program(stack.Options{}))) }
