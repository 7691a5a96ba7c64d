package converge

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"webstack/contract"
	"webstack/host/lock"
)

// Store is where the bundle's objects are.
type Store interface {
	// Get opens the object at key, or fails with an error that names it.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
}

// Options say what Run converges to.
type Options struct {
	// Store holds the bundle.
	Store Store
	// ManifestSHA256 is the sum that the bundle's manifest must have: 64 lower case hexadecimal digits.
	ManifestSHA256 string
	// StackDir is the absolute stack directory. It is created when it is missing.
	StackDir string
	// Out gets a line for each change, and a summary.
	Out io.Writer
}

// Run makes the files under the stack directory equal to the bundle. It changes none of them unless the manifest and
// every file that differs were read and have the sums they should. Files of the bundle applied last that are no
// longer part of it are removed. Where nothing differs, nothing is written. Two runs take turns.
func Run(ctx context.Context, o Options) error {
	if err := os.MkdirAll(o.StackDir, 0o755); err != nil {
		return fmt.Errorf("create stack directory: %w", err)
	}
	release, err := lock.Acquire(ctx, contract.Paths{StackDir: o.StackDir}.Lock(), func() {
		_, _ = fmt.Fprintln(o.Out, "waiting for another run to finish")
	})
	if err != nil {
		return err
	}
	defer release()
	// A root keeps every path below the stack directory, whatever links there are.
	root, err := os.OpenRoot(o.StackDir)
	if err != nil {
		return fmt.Errorf("open stack directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	return (&run{Options: o, root: root}).converge(ctx)
}

type run struct {
	Options
	root *os.Root
}

func (r *run) converge(ctx context.Context) error {
	if err := r.clearStage(); err != nil {
		return err
	}
	text, manifest, err := r.fetchManifest(ctx)
	if err != nil {
		return err
	}
	changes, err := r.compare(manifest.Files)
	if err != nil {
		return err
	}
	stale, lastText := r.stale(manifest)
	if err := r.stage(ctx, changes); err != nil {
		_ = r.clearStage()
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err := r.place(changes); err != nil {
		return err
	}
	for _, name := range stale {
		if err := r.remove(name); err != nil {
			return err
		}
	}
	if !bytes.Equal(text, lastText) {
		if err := r.writeManifest(text); err != nil {
			return err
		}
	}
	if err := r.clearStage(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "converged to manifest %.12s: %d of %d files changed, %d removed\n",
		r.ManifestSHA256, len(changes), len(manifest.Files), len(stale))
	return err
}

// fetchManifest reads the manifest, checks its sum before it looks into it, and that it is for this host.
func (r *run) fetchManifest(ctx context.Context) ([]byte, contract.Manifest, error) {
	text, err := readAll(ctx, r.Store, contract.ManifestKey, contract.MaxManifestBytes)
	if err != nil {
		return nil, contract.Manifest{}, err
	}
	if sum := contract.Sum(text); sum != r.ManifestSHA256 {
		return nil, contract.Manifest{}, fmt.Errorf("check manifest: it has the sum %s, not %s; "+
			"a newer bundle was published or its upload is not complete: run pulumi up, then again", sum, r.ManifestSHA256)
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

// stale lists the files left of the bundle applied last that the new manifest does not have, and gives the last
// manifest's text. A last manifest that cannot be read counts as none: it is about to be replaced.
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
		return nil, fmt.Errorf("read object %s: it is longer than the %d bytes allowed", key, limit)
	}
	return text, nil
}
