package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"webstack/contract"
	"webstack/internal/stackfile"
	"webstack/local/cloud"
	"webstack/local/workdir"
	"webstack/operate"
)

// operatorCommand is a command that works on a running stack, or on its file.
type operatorCommand struct {
	// name is one word or two.
	name, usage, help string
	// args is how many arguments it takes beside the flags.
	args int
	// tail tells that words may follow behind "--", which are left as they are.
	tail bool
	// flags declares flags of its own.
	flags func(o *operator, flags *flag.FlagSet)
	run   func(ctx context.Context, o *operator) error
}

// operatorCommands are all of them, in the order of the help.
var operatorCommands = []operatorCommand{
	verifyCommand, statusCommand, logsCommand, shellCommand, appsListCommand, appsAddCommand,
	appsRemoveCommand,
}

const operatorHelp = `  -s, --stack NAME  the stack; without it $PULUMI_STACK, else local while the laptop cloud runs, else the only one
  --json            print JSON instead of a table; its form is in docs/operations.md
`

// operator is what a command on a running stack works with.
type operator struct {
	Command
	dir   workdir.Dir
	stack string
	json  bool
	// args are the arguments that are no flags.
	args []string
	// tail are those behind "--", of a command that takes them.
	tail []string
	// progress is shown beside the output proper, which scripts may read.
	progress *progress
	// options holds what the command's own flags say.
	options any
}

// operate finds the command that args begin with, and runs it.
func (c Command) operate(ctx context.Context, args []string) error {
	for _, known := range operatorCommands {
		words := strings.Fields(known.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c.runOperator(ctx, known, args[len(words):])
		}
	}
	return fmt.Errorf("%w: unknown command %q", errUsage, strings.Join(args[:min(len(args), 2)], " "))
}

func (c Command) runOperator(ctx context.Context, known operatorCommand, args []string) error {
	o := &operator{Command: c, progress: newProgress(ctx, c.raw.stderr)}
	flags := flag.NewFlagSet("webstack "+known.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.stack, "stack", "", "")
	flags.StringVar(&o.stack, "s", "", "")
	flags.BoolVar(&o.json, "json", false, "")
	if known.flags != nil {
		known.flags(o, flags)
	}
	if end := slices.Index(args, "--"); known.tail && end >= 0 {
		args, o.tail = args[:end], args[end+1:]
	}
	var err error
	if o.args, err = parseMixed(flags, args); errors.Is(err, flag.ErrHelp) {
		return c.help()
	} else if err != nil {
		return fmt.Errorf("%w: %s: %w", errUsage, known.name, err)
	}
	if len(o.args) != known.args {
		return fmt.Errorf("%w: the form is webstack %s %s", errUsage, known.name, known.usage)
	}
	if o.dir, err = workdir.Find(c.Dir); err != nil {
		return err
	}
	if o.stack == "" {
		if o.stack, err = o.defaultStack(ctx); err != nil {
			return err
		}
	}
	return known.run(ctx, o)
}

// parseMixed parses flags that stand before, between and behind the arguments, and returns the arguments.
func parseMixed(flags *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// defaultStack is the stack that is meant when none is named.
func (o *operator) defaultStack(ctx context.Context) (string, error) {
	if name := os.Getenv("PULUMI_STACK"); name != "" {
		return name, nil
	}
	stacks, err := stackfile.Stacks(string(o.dir))
	if err != nil {
		return "", err
	}
	if len(stacks) == 1 {
		return stacks[0], nil
	}
	if slices.Contains(stacks, stackName) {
		if _, err := cloud.Find(ctx, o.dir); err == nil {
			return stackName, nil
		}
	}
	return "", fmt.Errorf("%w: say which stack: -s %s", errUsage, strings.Join(stacks, ", -s "))
}

// open opens the stack. The stack of the laptop cloud is found without local.env, too, and never anywhere else.
func (o *operator) open(ctx context.Context) (*operate.Stack, error) {
	info, err := o.laptop(ctx)
	if err != nil {
		return nil, err
	}
	if info != nil {
		return openOnLaptop(ctx, o.dir, *info)
	}
	return operate.Open(ctx, operate.Options{Dir: string(o.dir), Stack: o.stack})
}

// openOnLaptop opens the stack local on the laptop cloud.
func openOnLaptop(ctx context.Context, dir workdir.Dir, info cloud.Info) (*operate.Stack, error) {
	return operate.Open(ctx, operate.Options{
		Dir: string(dir), Stack: stackName, Endpoint: info.AWSEndpoint(),
		Credentials: info.Credentials(),
	})
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

// askHost asks the stack's host for its status.
func (o *operator) askHost(ctx context.Context) (*operate.Stack, operate.Host, contract.Status, error) {
	stack, host, err := o.reach(ctx)
	if err != nil {
		return nil, operate.Host{}, contract.Status{}, err
	}
	defer o.progress.step("Asking " + host.InstanceID)()
	status, err := stack.Status(ctx, host, nil)
	return stack, host, status, err
}

// laptop is the running laptop cloud when that carries the stack, nil when the environment says where the stack is.
func (o *operator) laptop(ctx context.Context) (*cloud.Info, error) {
	if o.stack != stackName {
		return nil, nil
	}
	info, err := cloud.Find(ctx, o.dir)
	switch {
	case err == nil:
		return &info, nil
	case errors.Is(err, cloud.ErrNotRunning) && os.Getenv("AWS_ENDPOINT_URL") != "":
		return nil, nil
	}
	return nil, err
}

// nameServer is the address of the name server to ask instead of the system's, "" for the system's, and whether it is
// the laptop cloud's.
func (o *operator) nameServer(ctx context.Context) (address string, emulated bool, err error) {
	if addr, port := os.Getenv("WEBSTACK_DNS_ADDR"), os.Getenv("WEBSTACK_DNS_PORT"); addr != "" && port != "" {
		return net.JoinHostPort(addr, port), true, nil
	}
	info, err := o.laptop(ctx)
	if err != nil || info == nil {
		return "", false, err
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(info.DNS)), true, nil
}

// printJSON prints a value for scripts.
func (o *operator) printJSON(value any) error {
	encoder := json.NewEncoder(o.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}
