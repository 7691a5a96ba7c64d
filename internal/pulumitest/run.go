package pulumitest

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Project and Stack are what programs run as.
const (
	Project = "webstack"
	Stack   = "test"
)

// Options say how to run a program.
type Options struct {
	// Config are the values of the run by full key, such as "aws:region".
	Config map[string]string
	// SecretKeys are the keys of Config whose values Pulumi holds as secrets.
	SecretKeys []string
	// DryRun runs the program as a preview does: outputs that only the API knows are unknown.
	DryRun bool
	// Stack is the stack's name; Stack of this package when empty.
	Stack string
	// Outputs, Invokes and Fail are those of the Recorder.
	Outputs func(r Resource) resource.PropertyMap
	Invokes map[string]func(args resource.PropertyMap) resource.PropertyMap
	Fail    func(r Resource) error
}

// Run runs a program and returns what it registered, with the program's error.
func Run(program pulumi.RunFunc, options Options) (*Recorder, error) {
	recorder := &Recorder{
		Outputs: options.Outputs, Invokes: options.Invokes, Fail: options.Fail, DryRun: options.DryRun,
	}
	if options.DryRun {
		recorder.Outputs = secretOutputs
	}
	stack := options.Stack
	if stack == "" {
		stack = Stack
	}
	err := pulumi.RunErr(program, pulumi.WithMocks(Project, stack, recorder), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys, info.DryRun = options.Config, options.SecretKeys, options.DryRun
	})
	return recorder, err
}

// MustRun is Run for programs that have to succeed.
func MustRun(tb testing.TB, program pulumi.RunFunc, options Options) *Recorder {
	tb.Helper()
	recorder, err := Run(program, options)
	if err != nil {
		tb.Fatalf("run the program: %v", err)
	}
	return recorder
}

// EachRun runs the program twice, as a preview and for real, and hands both records to check.
func EachRun(t *testing.T, program pulumi.RunFunc, options Options, check func(t *testing.T, recorder *Recorder)) {
	t.Helper()
	for name, dry := range map[string]bool{"preview": true, "up": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := options
			options.DryRun = dry
			check(t, MustRun(t, program, options))
		})
	}
}
