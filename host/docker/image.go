package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"webstack/host/command"
)

// pulls is how often a pull is tried; each attempt continues with the layers that already exist.
const pulls = 4

// loginPrefix begins the names of the directories with credentials. One pull runs at a time.
const loginPrefix = "webstack-docker-"

// Image is a name of an image. An image with several names has several rows; an image without a name has one.
type Image struct {
	ID         string
	Repository string
	Tag        string // "" for a name by digest
	Digest     string // "sha256:...", where known
}

// Name returns the name for removing the image: repository and tag, repository and digest, or otherwise the ID.
func (i Image) Name() string {
	switch {
	case i.Repository == "":
		return i.ID
	case i.Tag != "":
		return i.Repository + ":" + i.Tag
	}
	return i.Repository + "@" + i.Digest
}

// Images lists the names of all images on the host.
func (e *Engine) Images(ctx context.Context) ([]Image, error) {
	out, err := e.docker(ctx, "image", "ls", "--no-trunc", "--digests", "--format", "{{json .}}")
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var all []Image
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var row Image
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("list images: parse the output of docker image ls: %w", err)
		}
		for _, field := range []*string{&row.Repository, &row.Tag, &row.Digest} {
			if *field == "<none>" {
				*field = ""
			}
		}
		if row.Repository != "" && row.Tag == "" && row.Digest == "" {
			row.Repository = ""
		}
		all = append(all, row)
	}
	return all, lines.Err()
}

// RemoveImage removes a name of an image, and the image itself with its last name. It fails while a container uses it.
func (e *Engine) RemoveImage(ctx context.Context, name string) error {
	_, err := e.docker(ctx, "image", "rm", name)
	return ignoreMissing(err)
}

// HasImage reports whether an image is on the host.
func (e *Engine) HasImage(ctx context.Context, image string) (bool, error) {
	_, err := e.docker(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	switch {
	case err == nil:
		return true, nil
	case isMissing(err):
		return false, nil
	}
	return false, fmt.Errorf("look for image %s: %w", image, err)
}

// ImagePlatform returns the operating system and architecture of an image on the host, such as linux/amd64.
func (e *Engine) ImagePlatform(ctx context.Context, image string) (string, error) {
	out, err := e.docker(ctx, "image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image)
	return strings.TrimSpace(string(out)), err
}

// Pull gets an image from its registry. It retries temporary errors, and calls waiting before each new attempt.
func (e *Engine) Pull(ctx context.Context, image string, waiting func(err error)) error {
	config, err := e.login(ctx, registryOf(image))
	if err != nil {
		return fmt.Errorf("pull %s: %w", image, err)
	}
	defer func() { _ = os.RemoveAll(config) }()
	for attempt := 1; ; attempt++ {
		_, err := e.Runner.Run(ctx, command.Command{
			Name: "docker", Args: []string{"pull", "--quiet", image}, Env: []string{"DOCKER_CONFIG=" + config},
		})
		if err == nil {
			return nil
		}
		if attempt == pulls || isFinal(err) {
			return fmt.Errorf("pull %s: %w", image, err)
		}
		waiting(err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("pull %s: %w", image, ctx.Err())
		case <-time.After(e.Backoff << (attempt - 1)):
		}
	}
}

// isFinal reports whether a registry's answer will be the same the next time.
func isFinal(err error) bool {
	var exit *command.ExitError
	if !errors.As(err, &exit) {
		return true
	}
	text := strings.ToLower(exit.Message)
	for _, answer := range []string{"manifest unknown", "no matching manifest", "not found", "access denied", "invalid reference format"} {
		if strings.Contains(text, answer) {
			return true
		}
	}
	return false
}

// registryOf returns the registry in an image's name, like Docker: its first part, if that can be a host name.
func registryOf(image string) string {
	host, _, ok := strings.Cut(image, "/")
	if ok && (strings.ContainsAny(host, ".:") || host == "localhost") {
		return host
	}
	return "docker.io"
}

// login creates a directory with a docker configuration that has the credentials for a registry, if it needs any. The
// caller removes it.
func (e *Engine) login(ctx context.Context, registry string) (string, error) {
	secret, err := e.credentials(ctx, registry)
	if err != nil {
		return "", err
	}
	type auth struct {
		Auth string `json:"auth"`
	}
	config := map[string]map[string]auth{"auths": {}}
	if secret != "" {
		config["auths"][registry] = auth{base64.StdEncoding.EncodeToString([]byte(secret))}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	// A directory that a killed run has left.
	if left, err := filepath.Glob(filepath.Join(e.RuntimeDir, loginPrefix+"*")); err == nil {
		for _, dir := range left {
			_ = os.RemoveAll(dir)
		}
	}
	// Mode 0700: nobody else has access.
	dir, err := os.MkdirTemp(e.RuntimeDir, loginPrefix)
	if err != nil {
		return "", fmt.Errorf("create a directory for credentials: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o600); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("write credentials: %w", err)
	}
	return dir, nil
}

func (e *Engine) credentials(ctx context.Context, registry string) (string, error) {
	if e.Credentials == nil {
		return "", nil
	}
	if secret, ok := e.tokens.Load(registry); ok {
		return secret.(string), nil
	}
	secret, err := e.Credentials(ctx, registry)
	if err != nil {
		return "", fmt.Errorf("get credentials for %s: %w", registry, err)
	}
	e.tokens.Store(registry, secret)
	return secret, nil
}
