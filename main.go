// Command webstack is the program that Pulumi runs: pulumi up builds the stack that Pulumi.<stack>.yaml describes.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/stack"
)

func main() {
	pulumi.Run(stack.Program(stack.Options{}))
}
