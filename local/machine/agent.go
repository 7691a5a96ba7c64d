package machine

import (
	"context"

	"webstack/internal/gobuild"
)

// buildAgent compiles the program that runs on machines and returns its path.
func buildAgent(ctx context.Context, root, arch string, show func(string) func()) (string, error) {
	defer step(show, "Building the agent for hosts")()
	return gobuild.Program(ctx, root, "local", "./machine/agent", arch)
}
