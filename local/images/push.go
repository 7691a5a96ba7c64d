package images

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push pushes an image to registry ("host:port"; plain http if it is a loopback address) and returns its digest. It
// does not send an image that is already there. user and password may be "".
func Push(ctx context.Context, image v1.Image, registry, repository, tag, user, password string) (digest string, err error) {
	target, err := name.NewTag(registry+"/"+repository+":"+tag, name.StrictValidation)
	if err != nil {
		return "", fmt.Errorf("push an image: %w", err)
	}
	sum, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("push %s: %w", target, err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(http.DefaultTransport)}
	if user != "" {
		options = append(options, remote.WithAuth(&authn.Basic{Username: user, Password: password}))
	}
	if there, err := remote.Head(target, options...); err == nil && there.Digest == sum {
		return sum.String(), nil // tags may be immutable, and a registry may reject even the same image
	}
	if err := remote.Write(target, image, options...); err != nil {
		return "", fmt.Errorf("push %s: %w", target, err)
	}
	return sum.String(), nil
}
