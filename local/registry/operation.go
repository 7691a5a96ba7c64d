package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
)

// Kind is the kind of a request.
type Kind int

// Kinds of requests.
const (
	// Unsupported is what neither ECR nor a read-only registry supports: deleting, and listing repositories.
	Unsupported Kind = iota
	// Ping asks whether there is a registry, and whether the login is valid.
	Ping
	// GetManifest reads a manifest, or asks whether it is there.
	GetManifest
	// PutManifest writes a manifest.
	PutManifest
	// GetBlob reads a layer.
	GetBlob
	// StatBlob asks whether a layer is there.
	StatBlob
	// StartUpload, UploadPart and EndUpload upload a layer; UploadPart is also for asking about its progress and for
	// canceling it.
	StartUpload
	UploadPart
	EndUpload
	// ListTags lists the tags of a repository.
	ListTags
)

// Operation is a parsed request.
type Operation struct {
	Kind Kind
	// Repository is its name; "" for Ping and some of what is Unsupported.
	Repository string
	// Reference is a tag or a digest, for manifests.
	Reference string
}

// Reads reports whether the operation changes nothing.
func (o Operation) Reads() bool {
	switch o.Kind {
	case Ping, GetManifest, GetBlob, StatBlob, ListTags:
		return true
	default:
		return false
	}
}

func (o Operation) byDigest() bool { return strings.Contains(o.Reference, ":") }

var (
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	blobPath     = regexp.MustCompile(`^/v2/(.+)/blobs/([^/]+)$`)
	uploadPath   = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([^/]*)$`)
	tagsPath     = regexp.MustCompile(`^/v2/(.+)/tags/list$`)
)

// Parse parses a request. It turns requests to mount a layer from another repository into uploads, as the protocol
// allows.
func Parse(r *http.Request) Operation {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if found := manifestPath.FindStringSubmatch(r.URL.Path); found != nil {
		o := Operation{Repository: found[1], Reference: found[2]}
		switch {
		case reads:
			o.Kind = GetManifest
		case r.Method == http.MethodPut:
			o.Kind = PutManifest
		}
		return o
	}
	if found := uploadPath.FindStringSubmatch(r.URL.Path); found != nil {
		return upload(r, Operation{Repository: found[1]}, found[2])
	}
	if found := blobPath.FindStringSubmatch(r.URL.Path); found != nil {
		return Operation{Repository: found[1], Kind: map[string]Kind{
			http.MethodGet: GetBlob, http.MethodHead: StatBlob,
		}[r.Method]}
	}
	if found := tagsPath.FindStringSubmatch(r.URL.Path); found != nil && reads {
		return Operation{Repository: found[1], Kind: ListTags}
	}
	if (r.URL.Path == "/v2/" || r.URL.Path == "/v2") && reads {
		return Operation{Kind: Ping}
	}
	return Operation{}
}

func upload(r *http.Request, o Operation, id string) Operation {
	switch {
	case id == "" && r.Method == http.MethodPost:
		o.Kind = StartUpload
		query := r.URL.Query()
		query.Del("mount")
		query.Del("from")
		r.URL.RawQuery = query.Encode()
	case id != "" && r.Method == http.MethodPut:
		o.Kind = EndUpload
	case id != "" && r.Method != http.MethodPost:
		o.Kind = UploadPart
	}
	return o
}

// Fail answers with an error of the protocol, such as DENIED.
func Fail(w http.ResponseWriter, status int, code, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{ // the client may be gone
		map[string]string{"code": code, "message": fmt.Sprintf(format, args...)},
	}})
}

// maxManifest is the registry protocol's usual limit for a manifest, in bytes.
const maxManifest = 4 << 20

// mayTag reports whether an immutable tag may be written. If it may not, or need not because the same image is already
// there, mayTag answers the request.
func (r *Registry) mayTag(w http.ResponseWriter, request *http.Request, o Operation) bool {
	there, err := r.Resolve(request.Context(), o.Repository, o.Reference)
	if err != nil {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, maxManifest+1))
	if err != nil {
		return false // the client is gone
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	if sum := digest.FromBytes(body).String(); sum != there {
		Fail(w, http.StatusBadRequest, "TAG_INVALID", "%s", TagTaken(o.Repository, o.Reference))
		return false
	}
	w.Header().Set("Docker-Content-Digest", there)
	w.Header().Set("Location", "/v2/"+o.Repository+"/manifests/"+there)
	w.WriteHeader(http.StatusCreated)
	return false
}
