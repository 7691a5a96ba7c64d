package imagepin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"webstack/contract"
	"webstack/host/docker"
)

const (
	indexType = "application/vnd.oci.image.index.v1+json"
	// createdKey is the annotation that gives each pin a digest of its own: a manifest that ECR already has stays as old
	// as it was first pushed.
	createdKey = "org.opencontainers.image.created"
	// patience is how long a deploy waits for ECR.
	patience = time.Minute
)

// acceptedTypes are all types of manifests that Docker can run. ECR converts those that a caller does not accept, and a
// converted manifest has another digest.
var acceptedTypes = []string{
	indexType,
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v2+json",
}

// API has the calls to ECR that a pin needs.
type API interface {
	BatchGetImage(context.Context, *ecr.BatchGetImageInput, ...func(*ecr.Options)) (*ecr.BatchGetImageOutput, error)
	PutImage(context.Context, *ecr.PutImageInput, ...func(*ecr.Options)) (*ecr.PutImageOutput, error)
}

// index is an OCI image index.
type index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Manifests     []descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations"`
}

type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

// Protect pins the images of an app's live and previous release, such as v7@sha256:DIGEST, in its repository. previous
// is "" without one. Protect does nothing if the repository is not in ECR, and also pins one image if it cannot find the
// other.
func Protect(ctx context.Context, cfg aws.Config, repository, live, previous string) error {
	registry, name, _ := strings.Cut(repository, "/")
	region := docker.ECRRegion(registry)
	if region == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	account, _, _ := strings.Cut(registry, ".")
	client := ecr.NewFromConfig(cfg, func(o *ecr.Options) { o.Region = region })
	return (&pinner{api: client, account: account, repository: name, now: time.Now().UTC()}).pin(ctx, live, previous)
}

// pinner pins images in one repository.
type pinner struct {
	api                 API
	account, repository string
	now                 time.Time
}

func (p *pinner) pin(ctx context.Context, live, previous string) error {
	var images []types.Image
	var problems []error
	for _, release := range []string{live, previous} {
		if release == "" {
			continue
		}
		image, err := p.find(ctx, release)
		if err != nil {
			problems = append(problems, fmt.Errorf("pin the image of %s: %w", release, err))
			continue
		}
		images = append(images, image)
	}
	if len(images) > 0 {
		problems = append(problems, p.push(ctx, images))
	}
	return errors.Join(problems...)
}

// find returns the image of a release.
func (p *pinner) find(ctx context.Context, release string) (types.Image, error) {
	_, digest := contract.SplitRelease(release)
	if digest == "" {
		return types.Image{}, errors.New("the release has no digest")
	}
	out, err := p.api.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId: &p.account, RepositoryName: &p.repository, AcceptedMediaTypes: acceptedTypes,
		ImageIds: []types.ImageIdentifier{{ImageDigest: &digest}},
	})
	if err != nil {
		return types.Image{}, fmt.Errorf("ask ECR for it: %w", err)
	}
	if len(out.Images) == 0 {
		reason := "it is not in the repository"
		if len(out.Failures) > 0 {
			reason = cmp.Or(aws.ToString(out.Failures[0].FailureReason), reason)
		}
		return types.Image{}, fmt.Errorf("ask ECR for it: %s", reason)
	}
	if got := digestOf(aws.ToString(out.Images[0].ImageManifest)); got != digest {
		return types.Image{}, fmt.Errorf("ask ECR for it: the answer has the digest %s", got)
	}
	return out.Images[0], nil
}

func digestOf(manifest string) string {
	sum := sha256.Sum256([]byte(manifest))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// push writes a pin that refers to images.
func (p *pinner) push(ctx context.Context, images []types.Image) error {
	pin := index{
		SchemaVersion: 2, MediaType: indexType,
		Annotations: map[string]string{createdKey: p.now.Format(time.RFC3339Nano)},
	}
	for _, image := range images {
		manifest := aws.ToString(image.ImageManifest)
		pin.Manifests = append(pin.Manifests, descriptor{
			MediaType: aws.ToString(image.ImageManifestMediaType), Digest: digestOf(manifest), Size: len(manifest),
		})
	}
	// A struct of strings and numbers always encodes without an error.
	text, _ := json.Marshal(pin)
	tag := contract.PinTagPrefix + strings.ToLower(p.now.Format("20060102T150405Z"))
	err := p.put(ctx, string(text), indexType, tag)
	if refused := (*types.InvalidParameterException)(nil); errors.As(err, &refused) {
		return p.tag(ctx, images, tag)
	}
	return err
}

// tag tags the images themselves. A registry may refuse an index that refers to another index; images with the tag of a
// pin count as pins.
func (p *pinner) tag(ctx context.Context, images []types.Image, tag string) error {
	var problems []error
	for i, image := range images {
		if i > 0 {
			tag += "-previous"
		}
		problems = append(problems, p.put(ctx, aws.ToString(image.ImageManifest),
			aws.ToString(image.ImageManifestMediaType), tag))
	}
	return errors.Join(problems...)
}

func (p *pinner) put(ctx context.Context, manifest, mediaType, tag string) error {
	_, err := p.api.PutImage(ctx, &ecr.PutImageInput{
		RegistryId: &p.account, RepositoryName: &p.repository, ImageManifest: &manifest, ImageManifestMediaType: &mediaType,
		ImageTag: &tag,
	})
	if err != nil {
		return fmt.Errorf("push %s to ECR: %w", tag, err)
	}
	return nil
}
