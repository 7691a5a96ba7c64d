package converge

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"webstack/contract"
	"webstack/host/files"
)

// applied is the result of applying a bundle.
type applied struct {
	manifest         contract.Manifest
	changed, removed int
}

// apply makes the files under the stack directory equal to the bundle.
func (r *run) apply(ctx context.Context) (applied, error) {
	if err := r.clearStage(); err != nil {
		return applied{}, err
	}
	text, manifest, err := r.fetchManifest(ctx)
	if err != nil {
		return applied{}, err
	}
	r.manifest = manifest
	changes, err := r.compare(manifest.Files)
	if err != nil {
		return applied{}, err
	}
	stale, lastText := r.stale(manifest)
	if err := r.stage(ctx, changes); err != nil {
		_ = r.clearStage()
		return applied{}, fmt.Errorf("%w; nothing was changed", err)
	}
	if err := r.place(changes); err != nil {
		return applied{}, err
	}
	for _, name := range stale {
		if err := r.remove(name); err != nil {
			return applied{}, err
		}
	}
	if !bytes.Equal(text, lastText) {
		if _, err := files.Write(r.root, contract.ManifestPath, text, 0o644); err != nil {
			return applied{}, err
		}
	}
	return applied{manifest: manifest, changed: len(changes), removed: len(stale)}, r.clearStage()
}

// fetchManifest reads the manifest, verifies its checksum before parsing it, and checks that it is for this host.
func (r *run) fetchManifest(ctx context.Context) ([]byte, contract.Manifest, error) {
	text, err := readAll(ctx, r.Store, contract.ManifestKey, contract.MaxManifestBytes)
	if err != nil {
		return nil, contract.Manifest{}, err
	}
	if sum := contract.Sum(text); sum != r.ManifestSHA256 {
		return nil, contract.Manifest{}, fmt.Errorf("check manifest: it has the checksum %s, not %s; "+
			"a newer bundle was published, or its upload is not complete: run pulumi up and try again", sum, r.ManifestSHA256)
	}
	manifest, err := contract.DecodeManifest(text)
	if err != nil {
		return nil, contract.Manifest{}, err
	}
	if manifest.StackDir != r.StackDir {
		return nil, contract.Manifest{}, fmt.Errorf("check manifest: it is for the stack directory %s, not %s",
			manifest.StackDir, r.StackDir)
	}
	return text, manifest, nil
}

// stale lists the files of the last applied bundle that are not in the new manifest, and returns the last manifest's
// text. A last manifest that cannot be read counts as none: it is about to be replaced.
func (r *run) stale(manifest contract.Manifest) (names []string, lastText []byte) {
	lastText, err := r.root.ReadFile(contract.ManifestPath)
	if err != nil {
		return nil, nil
	}
	last, err := contract.DecodeManifest(lastText)
	if err != nil {
		return nil, lastText
	}
	keep := map[string]bool{}
	for _, f := range manifest.Files {
		keep[f.Path] = true
	}
	for _, f := range last.Files {
		if _, err := r.root.Lstat(f.Path); err == nil && !keep[f.Path] {
			names = append(names, f.Path)
		}
	}
	return names, lastText
}

func readAll(ctx context.Context, store Store, key string, limit int64) ([]byte, error) {
	body, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("read object %s: it is longer than the allowed %d bytes", key, limit)
	}
	return text, nil
}
