// Package certificates writes which certificate each app has: its own, where people have put one into Parameter Store,
// or else one that Caddy gets by itself.
package certificates

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"webstack/appcompose/hostfile"
	"webstack/contract"
	"webstack/host/files"
)

// Names are the parameters that may hold the apps' own certificates.
func Names(apps []contract.ManifestApp) []string {
	var names []string
	for _, app := range apps {
		names = append(names, contract.AppCertParam(app.Name), contract.AppKeyParam(app.Name))
	}
	return names
}

// Options say what Write writes.
type Options struct {
	// Root is the stack directory.
	Root *os.Root
	// Apps are those of the manifest.
	Apps []contract.ManifestApp
	// Found are the parameters that exist, of those that Names names, and Failed says why one could not be read.
	Found  map[string]string
	Failed map[string]error
	// Now is the time by which a certificate has expired.
	Now time.Time
	// Out gets a line for each change and each warning. Keys are never shown.
	Out io.Writer
}

// Write brings the files up to date. What is wrong with the certificate of an app is returned by app: it keeps the one
// it has.
func Write(o Options) (problems map[string]error, err error) {
	problems = map[string]error{}
	for _, app := range o.Apps {
		pair, err := o.pair(app)
		if err != nil {
			problems[app.Name] = fmt.Errorf("%w; the certificate it has is kept", err)
			if has, err := exists(o.Root, file(app.Name, hostfile.CertificateFile)); err != nil || has {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		if err := o.write(app.Name, pair); err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// pair is a certificate with its key, PEM.
type pair struct{ cert, key string }

// pair finds and checks an app's own certificate, nil when it has none.
func (o Options) pair(app contract.ManifestApp) (*pair, error) {
	certName, keyName := contract.AppCertParam(app.Name), contract.AppKeyParam(app.Name)
	if err := errors.Join(o.Failed[certName], o.Failed[keyName]); err != nil {
		return nil, err
	}
	cert, hasCert := o.Found[certName]
	key, hasKey := o.Found[keyName]
	switch {
	case !hasCert && !hasKey:
		return nil, nil
	case !hasCert:
		return nil, fmt.Errorf("use own certificate: there is %s, but no %s; add the certificate, or delete the key",
			keyName, certName)
	case !hasKey:
		return nil, fmt.Errorf("use own certificate: there is %s, but no %s; add the key, or delete the certificate",
			certName, keyName)
	}
	both, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return nil, fmt.Errorf("use own certificate of %s and %s: %w", certName, keyName, err)
	}
	leaf := both.Leaf
	if !leaf.NotAfter.After(o.Now) {
		return nil, fmt.Errorf("use own certificate of %s: it has expired on %s; replace it, or delete it and its key",
			certName, leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	if err := leaf.VerifyHostname(app.Domain); err != nil {
		_, _ = fmt.Fprintf(o.Out, "warning: the own certificate of %s is not for its domain: %v\n", app.Name, err)
	}
	return &pair{cert: cert, key: key}, nil
}

// write makes the files of one app. The one that makes Caddy read the others comes last when they are added, and goes
// first when they are removed.
func (o Options) write(app string, p *pair) error {
	type entry struct {
		name, content string
		mode          os.FileMode
	}
	var entries []entry
	use := entry{hostfile.CertificateFile, string(hostfile.AutomaticCertificate()), 0o644}
	if p != nil {
		use.content = string(hostfile.OwnCertificate(app))
		entries = []entry{{hostfile.KeyFile, p.key, 0o600}, {hostfile.CertFile, p.cert, 0o644}}
	}
	changed := false
	for _, e := range append(entries, use) {
		wrote, err := files.Write(o.Root, file(app, e.name), []byte(e.content), e.mode)
		if err != nil {
			return err
		}
		changed = changed || wrote
	}
	if p == nil {
		for _, name := range []string{hostfile.CertFile, hostfile.KeyFile} {
			removed, err := files.Remove(o.Root, file(app, name))
			if err != nil {
				return err
			}
			changed = changed || removed
		}
	}
	switch {
	case changed && p != nil:
		_, _ = fmt.Fprintf(o.Out, "wrote the own certificate of %s\n", app)
	case changed:
		_, _ = fmt.Fprintf(o.Out, "left the certificate of %s to Caddy\n", app)
	}
	return nil
}

func file(app, name string) string { return path.Join(contract.TLSDir, app, name) }

func exists(root *os.Root, name string) (bool, error) {
	_, err := root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", name, err)
	}
	return true, nil
}

// Prune removes the files of apps that are not in apps any more.
func Prune(o Options) error {
	keep := map[string]bool{}
	for _, app := range o.Apps {
		keep[app.Name] = true
	}
	names, err := files.Names(o.Root, contract.TLSDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep[name] {
			continue
		}
		if _, err := files.Remove(o.Root, path.Join(contract.TLSDir, name)); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(o.Out, "removed %s\n", path.Join(contract.TLSDir, name))
	}
	return nil
}

// Sum is a sum of the own certificates as they stand on the disk. Caddy reads them when it loads its config, and does
// not notice a change by itself.
func Sum(root *os.Root, apps []contract.ManifestApp) (string, error) {
	h := sha256.New()
	names := map[string]bool{}
	for _, app := range apps {
		names[file(app.Name, hostfile.CertFile)], names[file(app.Name, hostfile.KeyFile)] = true, true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		text, err := root.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		_, _ = fmt.Fprintf(h, "%s %d\n", name, len(text))
		_, _ = h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
