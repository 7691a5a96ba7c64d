package apps

import (
	"context"
	"strings"

	"webstack/contract"
	"webstack/host/docker"
)

// removeImages removes unused images of the apps' registries, and of the repositories of Caddy and Postgres, that no
// rollback needs, and images without a name. It also removes images of an app's old repository. If one cannot be
// removed, it says so without failing: somebody may be using it.
func (h *Host) removeImages(ctx context.Context, releases map[string]string) error {
	keep, repositories, err := h.kept(ctx, releases)
	if err != nil {
		return err
	}
	images, err := h.Docker.Images(ctx)
	if err != nil {
		return err
	}
	// By any of its names in the repository: the engine may list it by another name than the requested one.
	same := map[[2]string]bool{}
	for _, image := range images {
		if keep.has(image) {
			same[[2]string{image.Repository, image.ID}] = true
		}
	}
	for _, image := range images {
		ours := image.Repository == "" || repositories[image.Repository] || repositories[registryOf(image.Repository)]
		if ours && !same[[2]string{image.Repository, image.ID}] {
			h.removeImage(ctx, image)
		}
	}
	return nil
}

// kept returns what must stay: the images of containers, records and releases, and those that the Compose file names. A
// failed release will be tried again. It also returns the repositories and registries of the stack.
func (h *Host) kept(ctx context.Context, releases map[string]string) (keep keptImages, repositories map[string]bool, err error) {
	keep, repositories = keptImages{}, map[string]bool{}
	containers, err := h.Docker.Containers(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range containers {
		keep[c.Image], keep[repositoryOf(c.Image)+" "+c.ImageID], keep[" "+c.ImageID] = true, true, true
	}
	records, err := h.Records()
	if err != nil {
		return nil, nil, err
	}
	for _, r := range records {
		keep[r.Image], keep[r.Previous] = true, true
		repositories[r.Repository] = true
	}
	definitions, err := h.definitions()
	if err != nil {
		return nil, nil, err
	}
	for _, service := range h.base() {
		image := definitions[service].image
		keep[image] = true
		repositories[repositoryOf(image)] = true
	}
	for _, app := range h.Manifest.Apps {
		repositories[app.Repository], repositories[registryOf(app.Repository)] = true, true
		keep[contract.ReleaseImage(app.Repository, releases[app.Name])] = true
	}
	delete(repositories, "")
	return keep, repositories, nil
}

// removeRepository removes all images of a repository.
func (h *Host) removeRepository(ctx context.Context, repository string) error {
	images, err := h.Docker.Images(ctx)
	if err != nil {
		return err
	}
	for _, image := range images {
		if image.Repository == repository && repository != "" {
			h.removeImage(ctx, image)
		}
	}
	return nil
}

func (h *Host) removeImage(ctx context.Context, image docker.Image) {
	if err := h.Docker.RemoveImage(ctx, image.Name()); err != nil {
		h.say("cannot remove image %s: %v", image.Name(), err)
		return
	}
	h.say("removed image %s", image.Name())
}

// keptImages are images by name as in a Compose file, or by repository and ID; images without a name by ID.
type keptImages map[string]bool

// has reports whether a row of the engine's list is one of them. A name with tag and digest is listed by its digest.
func (k keptImages) has(image docker.Image) bool {
	if k[image.Name()] || k[image.Repository+" "+image.ID] {
		return true
	}
	for name := range k {
		if image.Digest != "" && image.Repository == repositoryOf(name) && strings.HasSuffix(name, "@"+image.Digest) {
			return true
		}
	}
	return false
}

// registryOf returns the registry of a repository, with a trailing slash.
func registryOf(repository string) string {
	registry, _, _ := strings.Cut(repository, "/")
	return registry + "/"
}

// repositoryOf returns an image's name without tag and digest.
func repositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		image = image[:i]
	}
	return image
}
