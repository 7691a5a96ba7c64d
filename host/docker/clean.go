package docker

import (
	"context"
	"fmt"
	"strings"
)

// anonymousLabel is the engine's label on anonymous volumes.
const anonymousLabel = "com.docker.volume.anonymous"

// RemoveAnonymousVolumes removes anonymous volumes that no container uses, and returns how many there were. Containers
// that were removed without Remove leave them behind.
func (e *Engine) RemoveAnonymousVolumes(ctx context.Context) (int, error) {
	out, err := e.docker(ctx, "volume", "ls", "--quiet", "--filter", "dangling=true", "--filter", "label="+anonymousLabel)
	if err != nil {
		return 0, fmt.Errorf("list volumes: %w", err)
	}
	names := strings.Fields(string(out))
	if len(names) == 0 {
		return 0, nil
	}
	if _, err := e.docker(ctx, append([]string{"volume", "rm"}, names...)...); ignoreMissing(err) != nil {
		return 0, fmt.Errorf("remove volumes: %w", err)
	}
	return len(names), nil
}

// Networks lists the networks of the project by their name in the Compose file.
func (e *Engine) Networks(ctx context.Context) ([]string, error) {
	out, err := e.docker(ctx, "network", "ls", "--filter", "label="+projectLabel+"="+e.Project,
		"--format", `{{.Label "com.docker.compose.network"}}`)
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// RemoveNetwork removes a network of the project. It fails while a container is in it.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	_, err := e.docker(ctx, "network", "rm", e.Project+"_"+name)
	return ignoreMissing(err)
}

// RemoveOneOffs removes stopped containers that `docker compose run` created more than a day ago.
func (e *Engine) RemoveOneOffs(ctx context.Context) error {
	err := e.prune(ctx, "container", "--filter", "label="+projectLabel+"="+e.Project, "--filter", "label="+oneOffLabel+"=True",
		"--filter", "until=24h")
	if err != nil {
		return fmt.Errorf("remove leftover containers of docker compose run: %w", err)
	}
	return nil
}

// RemoveBuildCache removes build cache that was not used for a week.
func (e *Engine) RemoveBuildCache(ctx context.Context) error {
	if err := e.prune(ctx, "builder", "--filter", "until=168h"); err != nil {
		return fmt.Errorf("remove the build cache: %w", err)
	}
	return nil
}

// prune removes what is not used. The engine refuses to do so twice at a time; then a later run does it.
func (e *Engine) prune(ctx context.Context, what string, filters ...string) error {
	_, err := e.docker(ctx, append([]string{what, "prune", "--force"}, filters...)...)
	if err != nil && strings.Contains(err.Error(), "a prune operation is already running") {
		return nil
	}
	return err
}
