package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"webstack/local/registry"
)

// ecrInput is the input of ECR's calls about images.
type ecrInput struct {
	RepositoryName string    `json:"repositoryName"`
	Force          bool      `json:"force"`
	ImageIDs       []imageID `json:"imageIds"`
	LayerDigests   []string  `json:"layerDigests"`
	ImageManifest  string    `json:"imageManifest"`
	ImageTag       string    `json:"imageTag"`
	ImageDigest    string    `json:"imageDigest"`
	ManifestType   string    `json:"imageManifestMediaType"`
	MaxResults     int       `json:"maxResults"`
	NextToken      string    `json:"nextToken"`
	AcceptedTypes  []string  `json:"acceptedMediaTypes"`
	Filter         struct {
		TagStatus string `json:"tagStatus"`
	} `json:"filter"`
}

type imageID struct {
	Digest string `json:"imageDigest,omitempty"`
	Tag    string `json:"imageTag,omitempty"`
}

// ref returns the digest, or the tag if there is none.
func (i imageID) ref() string {
	if i.Digest != "" {
		return i.Digest
	}
	return i.Tag
}

// imageCall answers a call about an existing repository.
type imageCall func(g *Gateway, r *http.Request, in ecrInput, repo repository) (out any, p *problem, err error)

var imageCalls = map[string]imageCall{
	"DescribeImages":              (*Gateway).describeImages,
	"ListImages":                  (*Gateway).listImages,
	"BatchGetImage":               (*Gateway).batchGetImage,
	"BatchDeleteImage":            (*Gateway).batchDeleteImage,
	"BatchCheckLayerAvailability": (*Gateway).batchCheckLayerAvailability,
	"PutImage":                    (*Gateway).putImage,
}

// ecrImages answers calls about images from the registry; moto has images of its own, which cannot be pulled.
func (g *Gateway) ecrImages(w http.ResponseWriter, r *http.Request, c call) {
	if g.images == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	var in ecrInput
	if !c.parse(w, &in) {
		return
	}
	found, err := g.repository(r, in.RepositoryName)
	if errors.Is(err, errNoRepository) {
		c.refuse(w, wrong("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry",
			in.RepositoryName))
		return
	}
	var out any
	var p *problem
	if err == nil {
		out, p, err = imageCalls[c.action](g, r, in, found)
	}
	switch {
	case err != nil:
		c.unavailable(w, err)
	case p != nil:
		c.refuse(w, p)
	default:
		c.answer(w, out)
	}
}

// wanted reports whether an image has the tag status that a call asks for.
func (in ecrInput) wanted(image registry.Image) bool {
	switch in.Filter.TagStatus {
	case "TAGGED":
		return len(image.Tags) > 0
	case "UNTAGGED":
		return len(image.Tags) == 0
	default:
		return true
	}
}

// page returns the requested part of a list.
func page[T any](in ecrInput, all []T) (part []T, next string) {
	const usual = 100
	from, err := strconv.Atoi(in.NextToken)
	if err != nil || from > len(all) {
		from = 0
	}
	size := in.MaxResults
	if size < 1 {
		size = usual
	}
	if from+size < len(all) {
		return all[from : from+size], strconv.Itoa(from + size)
	}
	return all[from:], ""
}

func imageNotFound(id imageID, repo repository) *problem {
	return wrong("ImageNotFoundException",
		"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' "+
			"in the registry with id '%s'", id.Digest, id.Tag, repo.Name, repo.RegistryID)
}

func (g *Gateway) describeImages(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	all, err := g.images.Images(r.Context(), repo.Name)
	if err != nil {
		return nil, nil, err
	}
	chosen := all
	if in.ImageIDs != nil {
		chosen = nil
		for _, id := range in.ImageIDs {
			i := slices.IndexFunc(all, func(image registry.Image) bool { return id.names(image) })
			if i < 0 {
				return nil, imageNotFound(id, repo), nil
			}
			chosen = append(chosen, all[i])
		}
	}
	details := []any{}
	for _, image := range chosen {
		if !in.wanted(image) {
			continue
		}
		detail := map[string]any{
			"registryId": repo.RegistryID, "repositoryName": repo.Name, "imageDigest": image.Digest,
			"imageSizeInBytes": image.Size, "imagePushedAt": image.Pushed.Unix(),
			"imageManifestMediaType": image.MediaType, "artifactMediaType": image.ArtifactType,
		}
		if len(image.Tags) > 0 {
			detail["imageTags"] = image.Tags
		}
		details = append(details, detail)
	}
	part, next := page(in, details)
	return withNext(map[string]any{"imageDetails": part}, next), nil, nil
}

func withNext(out map[string]any, next string) map[string]any {
	if next != "" {
		out["nextToken"] = next
	}
	return out
}

// names reports whether an id is the image's.
func (i imageID) names(image registry.Image) bool {
	return (i.Digest == "" || i.Digest == image.Digest) && (i.Tag == "" || slices.Contains(image.Tags, i.Tag))
}

func (g *Gateway) listImages(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	all, err := g.images.Images(r.Context(), repo.Name)
	if err != nil {
		return nil, nil, err
	}
	ids := []imageID{}
	for _, image := range all {
		if !in.wanted(image) {
			continue
		}
		if len(image.Tags) == 0 {
			ids = append(ids, imageID{Digest: image.Digest})
		}
		for _, tag := range image.Tags {
			ids = append(ids, imageID{Digest: image.Digest, Tag: tag})
		}
	}
	part, next := page(in, ids)
	return withNext(map[string]any{"imageIds": part}, next), nil, nil
}

// failure returns the error for one image in a call about many.
func failure(id imageID) map[string]any {
	return map[string]any{"imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
}

func (g *Gateway) batchGetImage(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	images, failures := []any{}, []any{}
	for _, id := range in.ImageIDs {
		image, err := g.images.Image(r.Context(), repo.Name, id.ref())
		if errors.Is(err, registry.ErrUnknown) || err == nil && !id.names(image) {
			failures = append(failures, failure(id))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		images = append(images, shownImage(repo, imageID{image.Digest, id.Tag}, image))
	}
	return map[string]any{"images": images, "failures": failures}, nil, nil
}

func shownImage(repo repository, id imageID, image registry.Image) map[string]any {
	return map[string]any{
		"registryId": repo.RegistryID, "repositoryName": repo.Name, "imageId": id,
		"imageManifest": string(image.Manifest), "imageManifestMediaType": image.MediaType,
	}
}

func (g *Gateway) batchDeleteImage(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	deleted, failures := []imageID{}, []any{}
	for _, id := range in.ImageIDs {
		image, err := g.images.Image(r.Context(), repo.Name, id.ref())
		if errors.Is(err, registry.ErrUnknown) || err == nil && !id.names(image) {
			failures = append(failures, failure(id))
			continue
		}
		if err == nil && id.Tag != "" {
			err = g.images.Untag(r.Context(), repo.Name, id.Tag)
		} else if err == nil {
			err = g.images.Delete(r.Context(), repo.Name, id.Digest)
		}
		if err != nil {
			return nil, nil, err
		}
		if id.Tag != "" {
			deleted = append(deleted, imageID{image.Digest, id.Tag})
			continue
		}
		deleted = append(deleted, imageID{Digest: image.Digest})
		for _, tag := range image.Tags {
			deleted = append(deleted, imageID{image.Digest, tag})
		}
	}
	return map[string]any{"imageIds": deleted, "failures": failures}, nil, nil
}

func (g *Gateway) batchCheckLayerAvailability(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	layers, failures := []any{}, []any{}
	for _, digest := range in.LayerDigests {
		size, err := g.images.Layer(r.Context(), repo.Name, digest)
		switch {
		case err == nil:
			layers = append(layers, map[string]any{
				"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size,
			})
		case errors.Is(err, registry.ErrUnknown):
			layers = append(layers, map[string]any{"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
		default:
			return nil, nil, err
		}
	}
	return map[string]any{"layers": layers, "failures": failures}, nil, nil
}

func (g *Gateway) putImage(r *http.Request, in ecrInput, repo repository) (any, *problem, error) {
	mediaType := in.ManifestType
	if mediaType == "" {
		mediaType = registry.MediaType([]byte(in.ImageManifest))
	}
	before, err := g.images.Image(r.Context(), repo.Name, in.ImageTag)
	if err == nil && in.ImageTag != "" && string(before.Manifest) == in.ImageManifest {
		return nil, wrong("ImageAlreadyExistsException",
			"Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'",
			before.Digest, in.ImageTag, repo.Name, repo.RegistryID), nil
	}
	digest, err := g.images.Put(r.Context(), repo.Name, mediaType, in.ImageTag, []byte(in.ImageManifest),
		repo.immutable(in.ImageTag))
	switch {
	case errors.Is(err, registry.ErrTagTaken):
		return nil, wrong("ImageTagAlreadyExistsException", "%s", registry.TagTaken(repo.Name, in.ImageTag)), nil
	case errors.Is(err, registry.ErrInvalid):
		return nil, wrong("InvalidParameterException", "Invalid parameter at 'ImageManifest': %v", err), nil
	case err != nil:
		return nil, nil, err
	}
	image, err := g.images.Image(r.Context(), repo.Name, digest)
	if err != nil {
		return nil, nil, err
	}
	return map[string]any{"image": shownImage(repo, imageID{digest, in.ImageTag}, image)}, nil, nil
}

// deleteRepository rejects deleting a repository that still has images. With force it deletes the images, too.
func (g *Gateway) deleteRepository(w http.ResponseWriter, r *http.Request, c call) {
	var in ecrInput
	if !c.parse(w, &in) {
		return
	}
	if g.images == nil {
		g.moto.ServeHTTP(w, r)
		return
	}
	found, err := g.repository(r, in.RepositoryName)
	if err == nil && !in.Force {
		var images []registry.Image
		images, err = g.images.Images(r.Context(), in.RepositoryName)
		if len(images) > 0 {
			c.refuse(w, wrong("RepositoryNotEmptyException", "The repository with name '%s' in registry with id '%s' cannot be "+
				"deleted because it still contains images", in.RepositoryName, found.RegistryID))
			return
		}
	}
	var answer reply
	if err == nil || errors.Is(err, errNoRepository) {
		answer, err = g.forward(r, c)
	}
	if err == nil && answer.ok() {
		err = g.images.Forget(r.Context(), in.RepositoryName)
	}
	if err != nil {
		c.unavailable(w, err)
		return
	}
	answer.write(w)
}
