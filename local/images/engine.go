package images

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"webstack/contract"
	"webstack/local/dockercli"
	"webstack/local/workdir"
)

// Postgres returns the name of the Postgres image in this computer's Docker engine. If the image is missing, it is
// pulled or, if stand says that Docker Hub cannot be reached, made as in Hub. It stays: clones share it.
func Postgres(ctx context.Context, dir workdir.Dir, stand bool, base Base, step Step) (string, error) {
	if !stand {
		if known(ctx, contract.PostgresImage) {
			return contract.PostgresImage, nil
		}
		defer step("Pulling " + contract.PostgresImage)()
		_, err := dockercli.Run(ctx, "pull", "--quiet", contract.PostgresImage)
		return contract.PostgresImage, err
	}
	arch, err := Architecture(ctx)
	if err != nil {
		return "", err
	}
	key, err := postgresKey(dir, arch)
	if err != nil {
		return "", err
	}
	reference := "webstack-postgres:" + key
	if known(ctx, reference) {
		return reference, nil
	}
	image, err := postgres(ctx, dir, arch, base, step)
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", fmt.Errorf("load the image of Postgres: %w", err)
	}
	defer step("Loading the image of Postgres into the Docker engine")()
	return reference, loadInto(ctx, tag, image)
}

func known(ctx context.Context, image string) bool {
	_, err := dockercli.Run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	return err == nil
}

// loadInto gives the Docker engine an image under a tag.
func loadInto(ctx context.Context, tag name.Tag, image v1.Image) error {
	read, write := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := tarball.Write(tag, image, write)
		written <- errors.Join(err, write.CloseWithError(err))
	}()
	_, err := dockercli.RunWith(ctx, read, "load", "--quiet")
	_ = read.Close() // the writer may still be writing when the engine has refused
	if writeErr := <-written; err == nil && writeErr != nil {
		err = writeErr
	}
	if err != nil {
		return fmt.Errorf("load the image %s: %w", tag, err)
	}
	return nil
}
