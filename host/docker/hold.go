package docker

import (
	"context"
	"errors"
	"time"

	"webstack/host/command"
)

// Hold makes the kernel drop the first packet of every new TCP connection to these ports of a container. Clients send
// it again a second later, so they wait instead of failing. Open connections are not affected. release ends it; without
// that, it ends on its own after limit. ports are comma-separated numbers. It needs iptables and nsenter on the host.
func (e *Engine) Hold(ctx context.Context, c Container, ports string, limit time.Duration) (release func(), err error) {
	if c.Namespace == "" {
		return nil, errors.New("hold connections: the container has no network of its own")
	}
	// In the container's own network namespace, by its unique name, so that a rule cannot end up in the host's. The
	// container has no other rules there.
	iptables := func(ctx context.Context, args ...string) error {
		_, err := e.Runner.Run(ctx, command.Command{
			Name: "nsenter", Args: append([]string{"--net=" + c.Namespace, "iptables", "--wait", "5"}, args...),
		})
		return err
	}
	until := time.Now().Add(limit).UTC().Format("2006-01-02T15:04:05")
	err = iptables(ctx, "--insert", "INPUT", "--protocol", "tcp", "--syn", "--match", "multiport", "--dports", ports,
		"--match", "time", "--datestop", until, "--jump", "DROP")
	if err != nil {
		return nil, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		// This also removes a rule that a killed run has left. If it fails, the rule ends on its own.
		_ = iptables(ctx, "--flush", "INPUT")
	}, nil
}
