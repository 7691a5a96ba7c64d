package images

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"webstack/contract"
	"webstack/local/workdir"
)

// Step shows that something long has begun and returns what to call at its end.
type Step = func(title string) (done func())

// Base returns the name of an image in the Docker engine that holds a Debian 13 root.
type Base = func(ctx context.Context) (string, error)

// HubImage is an image that replaces one of Docker Hub.
type HubImage struct {
	// Repository is its name there, such as "library/caddy", and Tag its tag.
	Repository, Tag string
	Image           v1.Image
}

// Hub makes the images that a stack takes from Docker Hub, for Linux on goarch. Images that were made before and have
// not changed are taken from .webstack/images.
func Hub(ctx context.Context, dir workdir.Dir, goarch string, base Base, step Step) ([]HubImage, error) {
	caddyImage, err := caddy(ctx, dir, goarch, step)
	if err != nil {
		return nil, err
	}
	postgresImage, err := postgres(ctx, dir, goarch, base, step)
	if err != nil {
		return nil, err
	}
	var out []HubImage
	for reference, image := range map[string]v1.Image{
		contract.CaddyImage: caddyImage, contract.PostgresImage: postgresImage,
	} {
		name, tag, ok := strings.Cut(reference, ":")
		if !ok || strings.Contains(name, "/") {
			return nil, fmt.Errorf("name image %s: it is not one of Docker's official images with a tag", reference)
		}
		out = append(out, HubImage{Repository: "library/" + name, Tag: tag, Image: image})
	}
	return out, nil
}
