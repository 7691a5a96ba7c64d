// Package certificates configures the certificate of each app: its own if somebody has stored one in Parameter Store,
// otherwise one that Caddy obtains itself.
package certificates

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"webstack/contract"
	"webstack/host/files"
)

// Names returns the parameters that may have the apps' own certificates, for the stack whose parameters are below base.
func Names(base string, apps []contract.ManifestApp) []string {
	var names []string
	for _, app := range apps {
		for _, place := range contract.AppCertificateParams(base, app.Name) {
			names = append(names, place.Cert, place.Key)
		}
	}
	return names
}

// Options configure Write.
type Options struct {
	// Root is the stack directory.
	Root *os.Root
	// Base is the path of the stack's parameters.
	Base string
	// Apps are the apps of the manifest.
	Apps []contract.ManifestApp
	// Found are the existing parameters among those that Names returns. Failed says why one could not be read.
	Found  map[string]string
	Failed map[string]error
	// Now is the time for checking whether a certificate has expired.
	Now time.Time
	// Out gets a line for each change and each warning. Keys are never shown.
	Out io.Writer
}

// Write updates the files. It returns problems with apps' own certificates, by app. Such an app keeps its previous own
// certificate as long as that is valid for its domain; otherwise Caddy obtains one for it.
func Write(o Options) (problems map[string]error, err error) {
	problems = map[string]error{}
	for _, app := range o.Apps {
		pair, pairErr := o.pair(app)
		if pairErr != nil {
			if o.inUse(app) {
				problems[app.Name] = fmt.Errorf("%w; its previous certificate stays in use", pairErr)
				continue
			}
			problems[app.Name] = fmt.Errorf("%w; until that is fixed, Caddy obtains a certificate for it", pairErr)
		}
		if err := o.write(app.Name, pair); err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// place returns where an app's own certificate is: the first place with a parameter, readable or not.
func (o Options) place(app contract.ManifestApp) contract.CertificateParams {
	places := contract.AppCertificateParams(o.Base, app.Name)
	for _, p := range places {
		for _, name := range []string{p.Cert, p.Key} {
			if _, found := o.Found[name]; found || o.Failed[name] != nil {
				return p
			}
		}
	}
	return places[0]
}

// pair is a certificate with its key, in PEM.
type pair struct{ cert, key string }

// inUse reports whether an app's current own certificate can stay in use.
func (o Options) inUse(app contract.ManifestApp) bool {
	use, err := o.Root.ReadFile(file(app.Name, contract.CertificateFile))
	if err != nil || string(use) != string(contract.OwnCertificate(app.Name)) {
		return false
	}
	cert, certErr := o.Root.ReadFile(file(app.Name, contract.CertFile))
	key, keyErr := o.Root.ReadFile(file(app.Name, contract.KeyFile))
	return certErr == nil && keyErr == nil && pair{string(cert), string(key)}.check(app.Domain, o.Now) == nil
}

// pair finds and checks an app's own certificate, nil if it has none.
func (o Options) pair(app contract.ManifestApp) (*pair, error) {
	place := o.place(app)
	certName, keyName := place.Cert, place.Key
	if err := errors.Join(o.Failed[certName], o.Failed[keyName]); err != nil {
		return nil, err
	}
	cert, hasCert := o.Found[certName]
	key, hasKey := o.Found[keyName]
	switch {
	case !hasCert && !hasKey:
		return nil, nil
	case !hasCert:
		return nil, fmt.Errorf("use the app's own certificate: there is %s, but no %s; add the certificate, or delete the key",
			keyName, certName)
	case !hasKey:
		return nil, fmt.Errorf("use the app's own certificate: there is %s, but no %s; add the key, or delete the certificate",
			certName, keyName)
	}
	p := &pair{cert: cert, key: key}
	if err := p.check(app.Domain, o.Now); err != nil {
		return nil, fmt.Errorf("use the app's own certificate in %s and %s: %w", certName, keyName, err)
	}
	return p, nil
}

// entry is a file that an app has, or must not have.
type entry struct {
	name    string
	content string
	mode    os.FileMode
	gone    bool
}

// entries returns the files of one app. The one that makes Caddy read the others comes last when they are added, and
// first when they are removed.
func entries(app string, p *pair) []entry {
	cert, key := file(app, contract.CertFile), file(app, contract.KeyFile)
	use := file(app, contract.CertificateFile)
	if p == nil {
		return []entry{
			{name: use, content: string(contract.AutomaticCertificate()), mode: 0o644},
			{name: cert, gone: true}, {name: key, gone: true},
		}
	}
	return []entry{
		{name: key, content: p.key, mode: 0o600}, {name: cert, content: p.cert, mode: 0o644},
		{name: use, content: string(contract.OwnCertificate(app)), mode: 0o644},
	}
}

func (o Options) write(app string, p *pair) error {
	changed := false
	for _, e := range entries(app, p) {
		right, err := e.isRight(o.Root)
		if err != nil {
			return err
		}
		if right {
			continue
		}
		if e.gone {
			_, err = files.Remove(o.Root, e.name)
		} else {
			_, err = files.Write(o.Root, e.name, []byte(e.content), e.mode)
		}
		if err != nil {
			return err
		}
		changed = true
	}
	switch {
	case changed && p != nil:
		_, _ = fmt.Fprintf(o.Out, "wrote the certificate of %s\n", app)
	case changed:
		_, _ = fmt.Fprintf(o.Out, "Caddy obtains the certificate of %s\n", app)
	}
	return nil
}

func (e entry) isRight(root *os.Root) (bool, error) {
	if !e.gone {
		return files.Is(root, e.name, []byte(e.content), e.mode)
	}
	has, err := exists(root, e.name)
	return !has, err
}

func file(app, name string) string { return path.Join(contract.TLSDir, app, name) }

func exists(root *os.Root, name string) (bool, error) {
	_, err := root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("check %s: %w", name, err)
	}
	return true, nil
}
