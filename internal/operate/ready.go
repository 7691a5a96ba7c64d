package operate

import (
	"context"
	"fmt"
	"time"
)

// newHost is how long after its start a host may need until its Postgres answers.
const newHost = 15 * time.Minute

// Ready is Reachable for a host that may just have been created: while it is new, it waits until the host's Postgres
// answers.
func (s *Stack) Ready(ctx context.Context) (Host, error) {
	for {
		host, err := s.Host(ctx)
		if err != nil {
			return Host{}, err
		}
		if err = s.answers(ctx); err == nil {
			return host, nil
		}
		if host.State != "pending" && (host.State != "running" || time.Since(host.Launched) > newHost) {
			return Host{}, err
		}
		select {
		case <-ctx.Done():
			return Host{}, fmt.Errorf("wait for the new host: %w; it was not ready: %w", ctx.Err(), err)
		case <-time.After(20 * s.poll):
		}
	}
}

// answers fails unless the host's Postgres answers.
func (s *Stack) answers(ctx context.Context) error {
	host, err := s.Reachable(ctx)
	if err != nil {
		return err
	}
	status, err := s.Status(ctx, host, nil)
	if err != nil {
		return err
	}
	if !status.PostgresReady {
		return fmt.Errorf("reach the host %s: its Postgres does not answer; see webstack status --stack %s", host.InstanceID, s.Name)
	}
	return nil
}
