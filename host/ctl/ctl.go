package ctl

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path"
	"regexp"
	"runtime"

	"webstack/contract"
	"webstack/host/artifacts"
	"webstack/host/converge"
)

// Exit codes of Main.
const (
	// ExitOK says that the command did what it should.
	ExitOK = 0
	// ExitFailed says that it failed; the error is on Stderr.
	ExitFailed = 1
	// ExitUsage says that it was called wrongly and did nothing.
	ExitUsage = 2
)

const help = `webstackctl changes and inspects a Webstack host.

Usage:
  webstackctl converge --bucket NAME --manifest-sha256 SUM [--stack-dir DIR] [--region REGION]
        make the files under the stack directory equal to the bundle in the bucket
  webstackctl version
        print the version of the bundle's format and of Go
  webstackctl help
        print this text

Exit codes: 0 done, 1 failed, 2 called wrongly.
`

// Command is webstackctl with its streams.
type Command struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// errUsage marks an error that is the caller's.
var errUsage = errors.New("run webstackctl help")

// Main runs the command with the arguments behind the program's name and returns the exit code.
func (c Command) Main(args []string) int {
	err := c.run(context.Background(), args)
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(c.Stdout, help)
		return ExitOK
	}
	_, _ = fmt.Fprintf(c.Stderr, "webstackctl: %v\n", err)
	if errors.Is(err, errUsage) {
		return ExitUsage
	}
	return ExitFailed
}

func (c Command) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("no command given: %w", errUsage)
	}
	switch name, rest := args[0], args[1:]; name {
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	case "version":
		return c.version(rest)
	case "converge":
		return c.converge(ctx, rest)
	default:
		return fmt.Errorf("unknown command %q: %w", name, errUsage)
	}
}

func (c Command) version(args []string) error {
	if err := parse(flag.NewFlagSet("version", flag.ContinueOnError), args); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.Stdout, "webstackctl: bundle format %d, %s, %s/%s\n",
		contract.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

var (
	bucketRE = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	sumRE    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (c Command) converge(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("converge", flag.ContinueOnError)
	bucket := flags.String("bucket", "", "")
	sum := flags.String("manifest-sha256", "", "")
	dir := flags.String("stack-dir", contract.DefaultStackDir, "")
	region := flags.String("region", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	switch {
	case !bucketRE.MatchString(*bucket):
		return fmt.Errorf("--bucket %q is no name of a bucket: %w", *bucket, errUsage)
	case !sumRE.MatchString(*sum):
		return fmt.Errorf("--manifest-sha256 %q is not 64 lower case hexadecimal digits: %w", *sum, errUsage)
	case !path.IsAbs(*dir) || path.Clean(*dir) != *dir || *dir == "/":
		return fmt.Errorf("--stack-dir %q is not a clean absolute path below /: %w", *dir, errUsage)
	}
	store, err := artifacts.Open(ctx, *region, *bucket)
	if err != nil {
		return err
	}
	return converge.Run(ctx, converge.Options{Store: store, ManifestSHA256: *sum, StackDir: *dir, Out: c.Stdout})
}

// parse reads flags, takes no other arguments, and leaves messages to Main.
func parse(flags *flag.FlagSet, args []string) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return fmt.Errorf("%s: %w: %w", flags.Name(), err, errUsage)
	case flags.NArg() > 0:
		return fmt.Errorf("%s: unexpected argument %q: %w", flags.Name(), flags.Arg(0), errUsage)
	}
	return nil
}
