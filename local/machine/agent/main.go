//go:build linux

// Command agent runs on each machine of the laptop cloud, as a system service. It provides what an instance finds
// around it on AWS (the metadata service, the AWS endpoint, registries) from a network namespace beside the machine's,
// runs commands for the laptop cloud, and attaches volumes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("want daemon, tunnel, first-boot or front")
	}
	switch args[0] {
	case "daemon":
		return daemon(ctx)
	case "tunnel":
		return tunnel(ctx)
	case "first-boot":
		return firstBoot(ctx)
	case "front":
		return front(ctx)
	}
	return fmt.Errorf("unknown command %q: want daemon, tunnel, first-boot or front", args[0])
}
