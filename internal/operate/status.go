package operate

import (
	"context"
	"fmt"

	"webstack/contract"
)

// Status gets the host's status through the stack's document.
func (s *Stack) Status(ctx context.Context, host Host, progress func(status string)) (contract.Status, error) {
	result, err := s.Run(ctx, Command{
		Host: host.InstanceID, Document: s.Document(contract.DocStatus), Progress: progress,
	})
	if err != nil {
		return contract.Status{}, err
	}
	if err := result.Err(); err != nil {
		return contract.Status{}, fmt.Errorf("get the status of the host: %w", err)
	}
	return contract.DecodeStatus(result.Stdout())
}
