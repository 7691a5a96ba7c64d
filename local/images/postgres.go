package images

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"webstack/contract"
	"webstack/internal/gobuild"
	"webstack/local/workdir"
)

//go:embed postgres.Dockerfile
var postgresDockerfile []byte

// postgresRecipe is part of the cache's key: it changes with what makePostgres does.
const postgresRecipe = "1"

// postgresData is the data directory, and a volume unless the container's user mounts one there.
const postgresData = "/var/lib/postgresql/data"

// postgres returns the image of Postgres for goarch. The Docker engine makes it from base, which returns the name of an
// image with a Debian 13 root.
func postgres(ctx context.Context, dir workdir.Dir, goarch string, base Base, step Step) (v1.Image, error) {
	key, err := postgresKey(dir, goarch)
	if err != nil {
		return nil, err
	}
	return cached(ctx, dir, "postgres-"+key, func(ctx context.Context, temp string) (v1.Image, error) {
		root, err := base(ctx)
		if err != nil {
			return nil, err
		}
		defer step("Installing Postgres from Debian's packages into an image (once)")()
		return makePostgres(ctx, dir, goarch, root, temp)
	})
}

// postgresKey returns a checksum of what the image is made of.
func postgresKey(dir workdir.Dir, goarch string) (string, error) {
	return keyOf(dir, []string{"local/images/entrypoint", "local/images/postgres.Dockerfile"}, postgresRecipe, goarch)
}

func makePostgres(ctx context.Context, dir workdir.Dir, goarch, base, temp string) (v1.Image, error) {
	entrypoint, err := gobuild.Program(ctx, string(dir), "local", "./images/entrypoint", goarch)
	if err != nil {
		return nil, err
	}
	root := filepath.Join(temp, "root.tar")
	if err := buildRoot(ctx, base, entrypoint, root); err != nil {
		return nil, fmt.Errorf("make the image of Postgres: %w", err)
	}
	flat, err := compress(func() (io.ReadCloser, error) { return os.Open(root) })
	if err != nil {
		return nil, err
	}
	return assemble(goarch, v1.Config{
		Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"postgres"},
		Env: []string{
			"PATH=/usr/lib/postgresql/17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"LANG=en_US.utf8", "PG_MAJOR=17", "PGDATA=" + postgresData,
		},
		Volumes: map[string]struct{}{postgresData: {}}, ExposedPorts: map[string]struct{}{"5432/tcp": {}},
		StopSignal: "SIGINT",
	}, flat)
}

// buildRoot builds the files of the image in the Docker engine and writes them, flattened, as a tar archive to out.
func buildRoot(ctx context.Context, base, entrypoint, out string) error {
	program, err := os.ReadFile(entrypoint)
	if err != nil {
		return err
	}
	files, err := buildContext(program)
	if err != nil {
		return err
	}
	name := "webstack-postgres:" + contract.Sum([]byte(out))[:16] // clones build at the same time
	if _, err := docker(ctx, files, "build", "--tag", name, "--build-arg", "BASE="+base, "-"); err != nil {
		return err
	}
	defer remove(ctx, "image", "rm", "--force", name)
	container, err := docker(ctx, nil, "create", name, "true")
	if err != nil {
		return err
	}
	id := strings.TrimSpace(container)
	defer remove(ctx, "rm", "--force", "--volumes", id)
	_, err = docker(ctx, nil, "export", "--output", out, id)
	return err
}

// buildContext returns what docker build reads.
func buildContext(entrypoint []byte) (io.Reader, error) {
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for name, content := range map[string][]byte{
		"Dockerfile": postgresDockerfile, "docker-entrypoint.sh": entrypoint,
	} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return nil, err
		}
		if _, err := archive.Write(content); err != nil {
			return nil, err
		}
	}
	return &packed, archive.Close()
}
