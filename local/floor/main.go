// Command floor is the baseline for measurements of the Pulumi engine: a program that registers as many trivial
// resources as its config key "resources" says, below one component, as the real program does.
package main

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		resources, _ := ctx.GetConfig("floor:resources")
		count, err := strconv.Atoi(resources)
		if err != nil {
			return fmt.Errorf("read floor:resources: %w", err)
		}
		component := &pulumi.ResourceState{}
		if err := ctx.RegisterComponentResource("floor:index:Floor", "floor", component); err != nil {
			return err
		}
		for i := range count {
			_, err := random.NewRandomId(ctx, fmt.Sprintf("thing-%d", i), &random.RandomIdArgs{
				ByteLength: pulumi.Int(8),
			}, pulumi.Parent(component))
			if err != nil {
				return err
			}
		}
		return nil
	})
}
