// Program makes the things that its configuration lists.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

type thing struct {
	Name, Value, Kind string
	Protect, Retain   bool
}

type state struct {
	pulumi.CustomResourceState
	Serial pulumi.StringOutput `pulumi:"serial"`
}

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		var things []thing
		list, _ := ctx.GetConfig("shop:things")
		if err := json.Unmarshal([]byte(list), &things); err != nil {
			return fmt.Errorf("read shop:things: %w", err)
		}
		var parent pulumi.ResourceState
		if err := ctx.RegisterComponentResource("tiny:index:Shelf", "shelf", &parent); err != nil {
			return err
		}
		previous := pulumi.String("").ToStringOutput()
		for _, t := range things {
			var made state
			inputs := pulumi.Map{"value": pulumi.String(t.Value), "kind": pulumi.String(t.Kind), "after": previous}
			if err := ctx.RegisterResource("tiny:index:Thing", t.Name, inputs, &made,
				pulumi.Parent(&parent), pulumi.Protect(t.Protect), pulumi.RetainOnDelete(t.Retain)); err != nil {
				return fmt.Errorf("make %s: %w", t.Name, err)
			}
			previous = made.Serial
			ctx.Export(t.Name, made.Serial)
		}
		return nil
	})
}
