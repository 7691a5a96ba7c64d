package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a file or, with fs.ModeDir, a directory of an image. It belongs to root.
type entry struct {
	path    string // absolute
	mode    fs.FileMode
	content []byte
}

// program returns the file at source as a program of an image.
func program(target, source string) (entry, error) {
	content, err := os.ReadFile(source)
	if err != nil {
		return entry{}, fmt.Errorf("read a program of an image: %w", err)
	}
	return entry{path: target, mode: 0o755, content: content}, nil
}

// layer packs entries, with their parent directories and without times: the same entries give the same bytes.
func layer(entries ...entry) (v1.Layer, error) {
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, e := range withParents(entries) {
		header := &tar.Header{
			Name: strings.TrimPrefix(e.path, "/"), Mode: int64(e.mode.Perm()), Size: int64(len(e.content)),
			Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		}
		if e.mode&fs.ModeSticky != 0 {
			header.Mode |= 0o1000
		}
		if e.mode.IsDir() {
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
		if _, err := archive.Write(e.content); err != nil {
			return nil, fmt.Errorf("pack %s: %w", e.path, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("pack files: %w", err)
	}
	return compress(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed.Bytes())), nil })
}

// compress makes a layer of a tar archive. Images go no further than this computer, so little time is spent on it.
func compress(open tarball.Opener) (v1.Layer, error) {
	l, err := tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestSpeed))
	if err != nil {
		return nil, fmt.Errorf("compress files: %w", err)
	}
	return l, nil
}

func withParents(entries []entry) []entry {
	seen := map[string]bool{"/": true}
	var out []entry
	var add func(entry)
	add = func(e entry) {
		if seen[e.path] {
			return
		}
		add(entry{path: path.Dir(e.path), mode: fs.ModeDir | 0o755})
		seen[e.path] = true
		out = append(out, e)
	}
	// Given directories come first, so that they keep their mode.
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	for _, e := range entries {
		add(e)
	}
	return out
}

// assemble makes an image for Linux on goarch.
func assemble(goarch string, config v1.Config, layers ...v1.Layer) (v1.Image, error) {
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return nil, fmt.Errorf("assemble an image: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("assemble an image: %w", err)
	}
	file = file.DeepCopy()
	file.Architecture, file.OS, file.Config = goarch, "linux", config
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return nil, fmt.Errorf("assemble an image: %w", err)
	}
	return image, nil
}
