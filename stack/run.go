package stack

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Run runs the program and returns its exit status. It logs the program's own error unchanged; pulumi.Run would call it
// unhandled and put it into a list. The engine itself reports the failures of resources.
func Run(program pulumi.RunFunc) int {
	logged := false
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		err := program(ctx)
		if err != nil {
			logged = ctx.Log.Error(err.Error(), nil) == nil
		}
		return err
	})
	if err == nil {
		return 0
	}
	if !logged {
		fmt.Fprintln(os.Stderr, err)
	}
	return constant.ExitStatusLoggedError
}
