package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

var (
	// ErrUnknown means that there is no such image, tag or layer.
	ErrUnknown = errors.New("no such image")
	// ErrTagTaken means that an immutable tag belongs to another image.
	ErrTagTaken = errors.New("the tag is taken")
	// ErrInvalid means that a manifest is invalid, or that a part of the image is missing.
	ErrInvalid = errors.New("the manifest is invalid")
)

// Image is a manifest in a repository.
type Image struct {
	// Digest is "sha256:" and 64 hexadecimal digits.
	Digest string
	// Tags are sorted.
	Tags []string
	// MediaType is the manifest's.
	MediaType string
	// ArtifactType is the type of an artifact that is not an image, or of an image's config.
	ArtifactType string
	// Size is that of all layers as they are stored, in bytes.
	Size int64
	// Pushed is when the manifest was pushed.
	Pushed time.Time
	// Manifest is the manifest as it was pushed.
	Manifest []byte
}

// MediaType returns the media type in a manifest; Docker's if there is none.
func MediaType(manifest []byte) string {
	var own struct {
		MediaType string `json:"mediaType"`
	}
	_ = json.Unmarshal(manifest, &own) // Put rejects invalid JSON
	return cmp.Or(own.MediaType, "application/vnd.docker.distribution.manifest.v2+json")
}

// TagTaken is ECR's text for a tag that cannot be moved.
func TagTaken(repository, tag string) string {
	return fmt.Sprintf("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the "+
		"repository is immutable.", tag, repository)
}

// open returns the services of a repository.
func (r *Registry) open(ctx context.Context, repository string) (
	distribution.TagService, distribution.ManifestService, distribution.BlobStore, error,
) {
	name, err := reference.WithName(repository)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read the repository's name %q: %w", repository, err)
	}
	found, err := r.images.Repository(ctx, name)
	if err != nil {
		return nil, nil, nil, err
	}
	manifests, err := found.Manifests(ctx)
	return found.Tags(ctx), manifests, found.Blobs(ctx), err
}

// unknown turns the library's errors for missing things into ErrUnknown.
func unknown(err error) error {
	var (
		path       driver.PathNotFoundError
		tag        distribution.ErrTagUnknown
		manifest   distribution.ErrManifestUnknown
		revision   distribution.ErrManifestUnknownRevision
		repository distribution.ErrRepositoryUnknown
	)
	if errors.As(err, &path) || errors.As(err, &tag) || errors.As(err, &manifest) || errors.As(err, &revision) ||
		errors.As(err, &repository) || errors.Is(err, distribution.ErrBlobUnknown) {
		return ErrUnknown
	}
	return err
}

// Resolve returns the digest of a tag or digest in a repository, or ErrUnknown if there is no such image.
func (r *Registry) Resolve(ctx context.Context, repository, ref string) (string, error) {
	tags, manifests, _, err := r.open(ctx, repository)
	if err != nil {
		return "", err
	}
	sum, err := digest.Parse(ref)
	if err != nil {
		found, err := tags.Get(ctx, ref)
		if err != nil {
			return "", unknown(err)
		}
		sum = found.Digest
	}
	there, err := manifests.Exists(ctx, sum)
	if err == nil && !there {
		err = ErrUnknown
	}
	return sum.String(), unknown(err)
}

// Image returns the image of a digest, or ErrUnknown.
func (r *Registry) Image(ctx context.Context, repository, ref string) (Image, error) {
	sum, err := r.Resolve(ctx, repository, ref)
	if err != nil {
		return Image{}, err
	}
	tags, err := r.tags(ctx, repository)
	if err != nil {
		return Image{}, err
	}
	return r.image(ctx, repository, digest.Digest(sum), tags)
}

// Images returns all images of a repository, including those without a tag, the oldest first.
func (r *Registry) Images(ctx context.Context, repository string) ([]Image, error) {
	_, manifests, _, err := r.open(ctx, repository)
	if err != nil {
		return nil, err
	}
	tags, err := r.tags(ctx, repository)
	if err != nil {
		return nil, err
	}
	all, ok := manifests.(distribution.ManifestEnumerator)
	if !ok {
		return nil, errors.New("list images: the registry cannot")
	}
	var images []Image
	err = all.Enumerate(ctx, func(sum digest.Digest) error {
		image, err := r.image(ctx, repository, sum, tags)
		if err == nil {
			images = append(images, image)
		} else if !errors.Is(err, ErrUnknown) { // deleted meanwhile
			return err
		}
		return nil
	})
	if err = unknown(err); err != nil && !errors.Is(err, ErrUnknown) {
		return nil, fmt.Errorf("list the images of %s: %w", repository, err)
	}
	slices.SortFunc(images, func(a, b Image) int {
		return cmp.Or(a.Pushed.Compare(b.Pushed), cmp.Compare(a.Digest, b.Digest))
	})
	return images, nil
}

// tags returns the tags of a repository, by digest.
func (r *Registry) tags(ctx context.Context, repository string) (map[string][]string, error) {
	service, _, _, err := r.open(ctx, repository)
	if err != nil {
		return nil, err
	}
	names, err := service.All(ctx)
	if err = unknown(err); err != nil && !errors.Is(err, ErrUnknown) {
		return nil, fmt.Errorf("list the tags of %s: %w", repository, err)
	}
	slices.Sort(names)
	out := map[string][]string{}
	for _, name := range names {
		found, err := service.Get(ctx, name)
		if err != nil {
			continue // taken away meanwhile
		}
		out[found.Digest.String()] = append(out[found.Digest.String()], name)
	}
	return out, nil
}

// repositories is where the library keeps what it knows of repositories.
const repositories = "/docker/registry/v2/repositories/"

func (r *Registry) image(
	ctx context.Context, repository string, sum digest.Digest, tags map[string][]string,
) (Image, error) {
	_, manifests, _, err := r.open(ctx, repository)
	if err != nil {
		return Image{}, err
	}
	manifest, err := manifests.Get(ctx, sum)
	if err != nil {
		return Image{}, unknown(err)
	}
	mediaType, payload, err := manifest.Payload()
	if err != nil {
		return Image{}, fmt.Errorf("read the manifest %s: %w", sum, err)
	}
	image := Image{Digest: sum.String(), Tags: tags[sum.String()], MediaType: mediaType, Manifest: payload}
	var parts struct {
		ArtifactType string          `json:"artifactType"`
		Config       v1.Descriptor   `json:"config"`
		Layers       []v1.Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(payload, &parts); err != nil {
		return Image{}, fmt.Errorf("read the manifest %s: %w", sum, err)
	}
	image.ArtifactType = cmp.Or(parts.ArtifactType, parts.Config.MediaType)
	for _, layer := range parts.Layers {
		image.Size += layer.Size
	}
	link, err := r.files.Stat(ctx, repositories+repository+"/_manifests/revisions/sha256/"+sum.Encoded()+"/link")
	if err != nil {
		return Image{}, unknown(err)
	}
	image.Pushed = link.ModTime()
	return image, nil
}

// Put writes a manifest whose layers exist, with a tag unless it is "", and returns its digest. The error is
// ErrTagTaken if the tag is immutable and another image's, and ErrInvalid if the manifest is invalid or a layer is
// missing.
func (r *Registry) Put(ctx context.Context, repository, mediaType, tag string, payload []byte, immutable bool) (string, error) {
	tags, manifests, _, err := r.open(ctx, repository)
	if err != nil {
		return "", err
	}
	manifest, found, err := distribution.UnmarshalManifest(mediaType, payload)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	r.tagging.Lock()
	defer r.tagging.Unlock()
	if tag != "" && immutable {
		there, err := r.Resolve(ctx, repository, tag)
		if err == nil && there != found.Digest.String() {
			return "", ErrTagTaken
		}
	}
	sum, err := manifests.Put(ctx, manifest)
	if verification := (distribution.ErrManifestVerification{}); errors.As(err, &verification) {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return "", fmt.Errorf("write the manifest: %w", err)
	}
	if tag != "" {
		found.Digest = sum
		err = tags.Tag(ctx, tag, found)
	}
	return sum.String(), err
}

// Untag removes a tag. As in ECR, the image is deleted with its last tag.
func (r *Registry) Untag(ctx context.Context, repository, tag string) error {
	tags, _, _, err := r.open(ctx, repository)
	if err != nil {
		return err
	}
	r.tagging.Lock()
	defer r.tagging.Unlock()
	found, err := tags.Get(ctx, tag)
	if err != nil {
		return unknown(err)
	}
	if err := tags.Untag(ctx, tag); err != nil {
		return fmt.Errorf("remove the tag %s from %s: %w", tag, repository, err)
	}
	left, err := r.tags(ctx, repository)
	if err != nil || len(left[found.Digest.String()]) > 0 {
		return err
	}
	return r.remove(ctx, repository, found.Digest)
}

// Delete deletes an image with all its tags.
func (r *Registry) Delete(ctx context.Context, repository, sum string) error {
	service, _, _, err := r.open(ctx, repository)
	if err != nil {
		return err
	}
	r.tagging.Lock()
	defer r.tagging.Unlock()
	tags, err := r.tags(ctx, repository)
	if err != nil {
		return err
	}
	for _, tag := range tags[sum] {
		if err := service.Untag(ctx, tag); err != nil {
			return fmt.Errorf("remove the tag %s from %s: %w", tag, repository, err)
		}
	}
	return r.remove(ctx, repository, digest.Digest(sum))
}

func (r *Registry) remove(ctx context.Context, repository string, sum digest.Digest) error {
	_, manifests, _, err := r.open(ctx, repository)
	if err != nil {
		return err
	}
	if err := unknown(manifests.Delete(ctx, sum)); err != nil {
		return fmt.Errorf("delete the image %s of %s: %w", sum, repository, err)
	}
	return nil
}

// Layer returns the size of a layer in bytes, or ErrUnknown.
func (r *Registry) Layer(ctx context.Context, repository, sum string) (int64, error) {
	_, _, blobs, err := r.open(ctx, repository)
	if err != nil {
		return 0, err
	}
	parsed, err := digest.Parse(sum)
	if err != nil {
		return 0, ErrUnknown
	}
	found, err := blobs.Stat(ctx, parsed)
	return found.Size, unknown(err)
}

// Forget removes a repository's images. Those of repositories below it, such as "shop/web" of "shop", stay.
func (r *Registry) Forget(ctx context.Context, repository string) error {
	if _, err := reference.WithName(repository); err != nil {
		return fmt.Errorf("read the repository's name %q: %w", repository, err)
	}
	for _, part := range []string{"_manifests", "_layers", "_uploads"} {
		err := r.files.Delete(ctx, repositories+repository+"/"+part)
		if err = unknown(err); err != nil && !errors.Is(err, ErrUnknown) {
			return fmt.Errorf("remove the images of %s: %w", repository, err)
		}
	}
	return nil
}
