package operate

import (
	"context"
	"fmt"

	"webstack/contract"
)

// Status asks the host for its status, by the stack's document.
func (s *Stack) Status(ctx context.Context, host Host, progress func(status string)) (contract.Status, error) {
	result, err := s.Run(ctx, Command{
		Host: host.InstanceID, Document: s.Document(contract.DocStatus), Progress: progress,
	})
	if err != nil {
		return contract.Status{}, err
	}
	if err := result.Err(); err != nil {
		return contract.Status{}, fmt.Errorf("ask the host for its status: %w", err)
	}
	return contract.DecodeStatus(result.Stdout())
}
