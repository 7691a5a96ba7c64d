package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"webstack/contract"
	"webstack/internal/command"
	"webstack/internal/laptop"
	"webstack/internal/operate"
	"webstack/internal/project"
)

// operator holds what the commands share: the streams, the flags, the clone and the stack.
type operator struct {
	command.Streams
	// callDir is the folder the command was called in, dir is the root of its clone.
	callDir, dir string
	stack        string
	json         bool
	// progress goes to standard error: scripts read standard output.
	progress *command.Progress
}

// runs returns the RunE of a command. It finds the clone and the stack first.
func (o *operator) runs(run func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		o.progress = command.NewProgress(ctx, o.RawErr)
		if o.stack == "" && cmd.Flags().Changed("stack") {
			return fmt.Errorf("%w: --stack is empty", command.ErrUsage)
		}
		if err := o.locate(ctx); err != nil {
			return err
		}
		return run(ctx, args)
	}
}

// locate finds the clone, and the stack if none was named.
func (o *operator) locate(ctx context.Context) error {
	var err error
	if o.dir, err = project.FindDir(o.callDir); err != nil {
		return err
	}
	if o.stack == "" {
		if o.stack, err = o.defaultStack(ctx); err != nil {
			return err
		}
	}
	if o.stack, err = project.StackName(o.stack); err != nil {
		return fmt.Errorf("%w: %w", command.ErrUsage, err)
	}
	return nil
}

// defaultStack returns the stack to use when none was named.
func (o *operator) defaultStack(ctx context.Context) (string, error) {
	if name := os.Getenv("PULUMI_STACK"); name != "" {
		return name, nil
	}
	stacks, err := project.Stacks(o.dir)
	if err != nil {
		return "", err
	}
	if len(stacks) == 1 {
		return stacks[0], nil
	}
	if slices.Contains(stacks, laptop.Stack) {
		if _, err := laptop.Find(ctx, o.dir); err == nil {
			return laptop.Stack, nil
		}
	}
	if len(stacks) == 0 {
		return "", fmt.Errorf("find a stack: there is no Pulumi.<stack>.yaml in %s; make one with pulumi stack init", o.dir)
	}
	return "", fmt.Errorf("%w: choose a stack: -s %s", command.ErrUsage, strings.Join(stacks, ", -s "))
}

// open opens the stack. It finds the laptop cloud's stack even without local.env, and never looks for it on AWS.
func (o *operator) open(ctx context.Context) (*operate.Stack, error) {
	endpoints, err := o.laptop(ctx)
	if err != nil {
		return nil, err
	}
	options := operate.Options{Dir: o.dir, Stack: o.stack}
	if endpoints != nil {
		options = operate.OnLaptop(o.dir, *endpoints)
	}
	return operate.Open(ctx, options)
}

// reach opens the stack and finds its host, which Systems Manager must reach.
func (o *operator) reach(ctx context.Context) (*operate.Stack, operate.Host, error) {
	stack, err := o.open(ctx)
	if err != nil {
		return nil, operate.Host{}, err
	}
	host, err := stack.Reachable(ctx)
	return stack, host, err
}

// askHost gets the status of the stack's host.
func (o *operator) askHost(ctx context.Context) (*operate.Stack, operate.Host, contract.Status, error) {
	stack, host, err := o.reach(ctx)
	if err != nil {
		return nil, operate.Host{}, contract.Status{}, err
	}
	defer o.progress.Step("Asking " + host.InstanceID)()
	status, err := stack.Status(ctx, host, nil)
	return stack, host, status, err
}

// laptop returns the running laptop cloud if it runs the stack, or nil if the environment says where the stack is.
func (o *operator) laptop(ctx context.Context) (*laptop.Endpoints, error) {
	if o.stack != laptop.Stack {
		return nil, nil
	}
	info, err := laptop.Find(ctx, o.dir)
	switch {
	case err == nil:
		return &info, nil
	case errors.Is(err, laptop.ErrNotRunning) && os.Getenv("AWS_ENDPOINT_URL") != "":
		return nil, nil
	}
	return nil, err
}

// nameServer returns the address of the name server to use instead of the system's, or "" for the system's, and
// whether it is the laptop cloud's.
func (o *operator) nameServer(ctx context.Context) (address string, emulated bool, err error) {
	if addr, port := os.Getenv("WEBSTACK_DNS_ADDR"), os.Getenv("WEBSTACK_DNS_PORT"); addr != "" && port != "" {
		return net.JoinHostPort(addr, port), true, nil
	}
	endpoints, err := o.laptop(ctx)
	if err != nil || endpoints == nil {
		return "", false, err
	}
	return endpoints.NameServer, true, nil
}

// printJSON prints a value for scripts.
func (o *operator) printJSON(value any) error {
	encoder := json.NewEncoder(o.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}
