package pulumitest

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Resource is one registration as the engine would see it.
type Resource struct {
	Type, Name string
	Custom     bool
	Inputs     resource.PropertyMap
	Request    *pulumirpc.RegisterResourceRequest
}

// Call is one invoke.
type Call struct {
	Token    string
	Args     resource.PropertyMap
	Provider string
}

// Recorder answers as the engine's resource monitor would and remembers every registration and invoke.
type Recorder struct {
	// Outputs adds outputs to those that a resource of that type gets from its inputs; nil for none.
	Outputs func(r Resource) resource.PropertyMap
	// Invokes answers invokes by token. An invoke that is not here is an error.
	Invokes map[string]func(args resource.PropertyMap) resource.PropertyMap
	// Fail makes a registration fail; nil lets all pass.
	Fail func(r Resource) error
	// DryRun tells that the program ran as a preview does.
	DryRun bool

	mu        sync.Mutex
	resources []Resource
	calls     []Call
}

// NewResource records a registration.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	inputs, err := sentInputs(args)
	if err != nil {
		return "", nil, err
	}
	made := Resource{
		Type: args.TypeToken, Name: args.Name, Custom: args.Custom, Inputs: inputs, Request: args.RegisterRPC,
	}
	r.mu.Lock()
	r.resources = append(r.resources, made)
	r.mu.Unlock()
	if r.Fail != nil {
		if err := r.Fail(made); err != nil {
			return "", nil, err
		}
	}
	outputs := args.Inputs.Copy()
	if r.Outputs != nil {
		for key, value := range r.Outputs(made) {
			outputs[key] = value
		}
	}
	if !args.Custom || r.DryRun && !isProvider(made) {
		return "", outputs, nil // in a preview, only the API knows the id
	}
	return args.Name + "-id", outputs, nil
}

// sentInputs are the inputs as they were sent. The SDK's stand-in for the engine leaves unknown ones out of
// args.Inputs, so that a preview would look as if they were not set.
func sentInputs(args pulumi.MockResourceArgs) (resource.PropertyMap, error) {
	if args.RegisterRPC == nil {
		return args.Inputs, nil
	}
	return plugin.UnmarshalProperties(args.RegisterRPC.GetObject(), plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
	})
}

// Call records an invoke.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, Call{Token: args.Token, Args: args.Args, Provider: args.Provider})
	answer, ok := r.Invokes[args.Token]
	if !ok {
		return nil, fmt.Errorf("the test has no answer to %s", args.Token)
	}
	return answer(args.Args), nil
}

// All returns the registrations, sorted by type and name.
func (r *Recorder) All() []Resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := slices.Clone(r.resources)
	slices.SortFunc(out, func(a, b Resource) int {
		if a.Type != b.Type {
			return strings.Compare(a.Type, b.Type)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}
