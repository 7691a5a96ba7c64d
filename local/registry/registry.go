package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/distribution/distribution/v3"
	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/distribution/distribution/v3/registry/storage"
	"github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

// Registry holds images. It is safe for concurrent use.
type Registry struct {
	app    *handlers.App
	images distribution.Namespace
	files  driver.StorageDriver
	// tagging is held while a tag is checked and then moved.
	tagging sync.Mutex
}

// quiet keeps the library's log out of the program's: the caller logs the requests.
var quiet = sync.OnceFunc(func() { logrus.SetOutput(io.Discard) })

// Open opens a registry that keeps its images in the folder, which is created if it is missing.
func Open(dir string) (r *Registry, err error) {
	quiet()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the registry: %w", err)
	}
	parameters := configuration.Parameters{"rootdirectory": dir}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem":  parameters,
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
		},
		HTTP:    configuration.HTTP{RelativeURLs: true, Secret: hex.EncodeToString(secret)},
		Catalog: configuration.Catalog{MaxEntries: 1000},
	}
	defer func() { // the library's way to report errors in its configuration
		if problem := recover(); problem != nil {
			err = fmt.Errorf("open the registry in %s: %v", dir, problem)
		}
	}()
	files, err := filesystem.FromParameters(parameters)
	if err != nil {
		return nil, fmt.Errorf("open the registry in %s: %w", dir, err)
	}
	images, err := storage.NewRegistry(context.Background(), files, storage.EnableDelete)
	if err != nil {
		return nil, fmt.Errorf("open the registry in %s: %w", dir, err)
	}
	return &Registry{app: handlers.NewApp(context.Background(), config), images: images, files: files}, nil
}

// Close ends the registry's background work. Its folder stays.
func (r *Registry) Close() error { return r.app.Shutdown() }

// Serve answers a request that Parse has parsed. If immutable is true, pushing another image to an existing tag fails
// as in ECR.
func (r *Registry) Serve(w http.ResponseWriter, request *http.Request, o Operation, immutable bool) {
	if o.Kind != PutManifest {
		r.app.ServeHTTP(w, request)
		return
	}
	r.tagging.Lock()
	defer r.tagging.Unlock()
	if immutable && !o.byDigest() && !r.mayTag(w, request, o) {
		return
	}
	r.app.ServeHTTP(w, request)
}
