//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"webstack/local/machine/wire"
)

// The addresses of what a machine finds around it.
const (
	metadataAddress = "169.254.169.254"
	awsAddress      = "169.254.170.1"
	// databaseNetwork are the addresses of databases.
	databaseNetwork = wire.DatabaseNetwork + ".0/24"
	// ownAddress is the machine's own address on that side.
	ownAddress = "169.254.169.1"
)

// device is the name of both ends of the veth pair.
const device = "aws0"

// side is the network namespace beside the machine's. Answers from it cross a network boundary, as those of the real
// services do, so a hop limit of 1 keeps them from containers, which are one more hop away. The AWS endpoint and the
// registries answer only the machine, not its containers; on AWS containers would need keys, which the metadata service
// keeps from them in the same way. Databases answer containers, too.
type side struct {
	metadata, gateway, registry, databases net.Listener
}

// newSide creates the namespace, which lives as long as its listeners, and replaces one that an earlier daemon left.
func newSide(ctx context.Context) (*side, error) {
	type result struct {
		side *side
		err  error
	}
	made := make(chan result)
	go func() {
		// The thread is in the namespace and so of no other use: it stays locked and ends with this goroutine.
		runtime.LockOSThread()
		s, err := makeSide(ctx)
		made <- result{s, err}
	}()
	r := <-made
	if r.err != nil {
		return nil, fmt.Errorf("make the network of the AWS services: %w", r.err)
	}
	return r.side, nil
}

func makeSide(ctx context.Context) (*side, error) {
	if _, err := net.InterfaceByName(device); err == nil {
		if err := ip(ctx, "link del "+device); err != nil {
			return nil, err
		}
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	// Commands of this thread run in the new namespace; the machine's is that of its first process.
	for _, args := range []string{
		"link set lo up",
		"link add " + device + " type veth peer name " + device + " netns 1",
		"addr add " + metadataAddress + "/32 dev " + device,
		"addr add " + awsAddress + "/32 dev " + device,
		"route add local " + databaseNetwork + " dev lo", // all its addresses are this namespace's
		"link set " + device + " up",
		"route add default dev " + device,
	} {
		if err := ip(ctx, args); err != nil {
			return nil, err
		}
	}
	var problems []error
	listen := func(config net.ListenConfig, address string) net.Listener {
		listener, err := config.Listen(ctx, "tcp4", address)
		problems = append(problems, err)
		return listener
	}
	far, near := net.ListenConfig{}, net.ListenConfig{Control: oneHop}
	s := &side{
		metadata: listen(far, metadataAddress+":80"), gateway: listen(near, awsAddress+":80"),
		registry: listen(near, awsAddress+":443"), databases: listen(far, ":5432"),
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return s, joinMachine(ctx)
}

// oneHop limits what a socket and its connections send to one hop: the machine gets answers, its containers do not.
func oneHop(_, _ string, socket syscall.RawConn) error {
	var set error
	err := socket.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, 1) })
	return errors.Join(err, set)
}

// joinMachine gives the machine its end of the veth pair.
func joinMachine(ctx context.Context) error {
	machine, err := unix.Open("/proc/1/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("find the machine's network namespace: %w", err)
	}
	defer func() { _ = unix.Close(machine) }()
	if err := unix.Setns(machine, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter the machine's network namespace: %w", err)
	}
	for _, args := range []string{
		"addr add " + ownAddress + "/32 dev " + device,
		"link set " + device + " up",
		"route add " + metadataAddress + " dev " + device + " src " + ownAddress,
		"route add " + awsAddress + " dev " + device + " src " + ownAddress,
		"route add " + databaseNetwork + " dev " + device + " src " + ownAddress,
	} {
		if err := ip(ctx, args); err != nil {
			return err
		}
	}
	return nil
}

func ip(ctx context.Context, args string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
	}
	return nil
}
