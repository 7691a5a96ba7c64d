package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"webstack/local/workdir"
)

// cached returns the image that an earlier run stored as name, or makes and stores it. Only one process makes it at a
// time. The folder temp is removed once the image is stored.
func cached(
	ctx context.Context, dir workdir.Dir, name string, build func(ctx context.Context, temp string) (v1.Image, error),
) (v1.Image, error) {
	if err := os.MkdirAll(dir.Images(), 0o755); err != nil {
		return nil, fmt.Errorf("create the folder for images: %w", err)
	}
	// Clones may share the folder by a link; then they share the lock too.
	release, err := workdir.Lock(ctx, filepath.Join(dir.Images(), name+".lock"), nil)
	if err != nil {
		return nil, err
	}
	defer release()
	target := filepath.Join(dir.Images(), name)
	image, err := load(target)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return image, err
	}
	temp := filepath.Join(dir.Images(), ".new-"+name)
	defer func() { _ = os.RemoveAll(temp) }()
	if err := errors.Join(os.RemoveAll(temp), os.Mkdir(temp, 0o755)); err != nil {
		return nil, fmt.Errorf("create a folder for an image: %w", err)
	}
	if image, err = build(ctx, temp); err != nil {
		return nil, err
	}
	if err := keep(image, filepath.Join(temp, "layout"), target); err != nil {
		return nil, fmt.Errorf("store an image in %s: %w", target, err)
	}
	return load(target)
}

// load reads the only image of an OCI layout.
func load(path string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(path)
	if err != nil {
		return nil, fmt.Errorf("read the image in %s: %w", path, err)
	}
	manifest, err := index.IndexManifest()
	if err == nil && len(manifest.Manifests) != 1 {
		err = fmt.Errorf("it holds %d images", len(manifest.Manifests))
	}
	if err != nil {
		return nil, fmt.Errorf("read the image in %s (remove it to build it again): %w", path, err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return nil, fmt.Errorf("read the image in %s (remove it to build it again): %w", path, err)
	}
	return image, nil
}

// keep writes an image as an OCI layout, first to temp, so that it appears at target complete or not at all.
func keep(image v1.Image, temp, target string) error {
	written, err := layout.Write(temp, empty.Index)
	if err != nil {
		return err
	}
	if err := written.AppendImage(image); err != nil {
		return err
	}
	return os.Rename(temp, target)
}

// keyOf returns a short checksum of files of the clone, folders with all their content, and texts.
func keyOf(dir workdir.Dir, paths []string, texts ...string) (string, error) {
	sum := sha256.New()
	for _, text := range texts {
		_, _ = fmt.Fprintf(sum, "%q\n", text)
	}
	for _, path := range paths {
		err := filepath.WalkDir(filepath.Join(string(dir), path), func(file string, found fs.DirEntry, err error) error {
			if err != nil || found.IsDir() {
				return err
			}
			content, err := os.Open(file)
			if err != nil {
				return err
			}
			defer func() { _ = content.Close() }()
			relative, err := filepath.Rel(string(dir), file)
			if err != nil {
				return err
			}
			info, err := content.Stat()
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(sum, "%q %d\n", filepath.ToSlash(relative), info.Size())
			_, err = io.Copy(sum, content)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("compute the checksum of an image's sources: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
