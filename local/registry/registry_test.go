package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// served returns a registry behind an HTTP server; tags of repositories that begin with "fixed" are immutable.
func served(t *testing.T) (r *Registry, host string) {
	t.Helper()
	r, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		o := Parse(request)
		if o.Kind == Unsupported {
			Fail(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "no")
			return
		}
		r.Serve(w, request, o, strings.HasPrefix(o.Repository, "fixed"))
	}))
	t.Cleanup(func() {
		server.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, strings.TrimPrefix(server.URL, "http://")
}

func image(t *testing.T) (v1.Image, string) {
	t.Helper()
	made, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := made.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return made, sum.String()
}

func push(t *testing.T, host, ref string, made v1.Image) error {
	t.Helper()
	target, err := name.NewTag(host+"/"+ref, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return remote.Write(target, made, remote.WithContext(t.Context()))
}

func mustPush(t *testing.T, host, ref string, made v1.Image) {
	t.Helper()
	if err := push(t, host, ref, made); err != nil {
		t.Fatal(err)
	}
}

func TestImagesArePushedAndPulled(t *testing.T) {
	t.Parallel()
	r, host := served(t)
	made, sum := image(t)
	mustPush(t, host, "shop/web:v1", made)
	mustPush(t, host, "shop/web:latest", made)
	for _, ref := range []string{"shop/web:v1", "shop/web@" + sum} {
		parsed, err := name.ParseReference(host+"/"+ref, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		got, err := remote.Image(parsed, remote.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		layers, err := got.Layers()
		if err != nil || len(layers) != 2 {
			t.Fatalf("%d layers, %v", len(layers), err)
		}
		reader, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, reader); err != nil { // checks the digest
			t.Errorf("read a layer of %s: %v", ref, err)
		}
		_ = reader.Close()
	}
	images, err := r.Images(t.Context(), "shop/web")
	if err != nil || len(images) != 1 {
		t.Fatalf("images %+v, %v", images, err)
	}
	got := images[0]
	if got.Digest != sum || !slices.Equal(got.Tags, []string{"latest", "v1"}) || got.Size == 0 || got.Pushed.IsZero() ||
		!strings.Contains(got.MediaType, "manifest") || !json.Valid(got.Manifest) {
		t.Errorf("image %+v", got)
	}
	if images, err := r.Images(t.Context(), "nothing"); err != nil || len(images) != 0 {
		t.Errorf("images of a repository that nobody pushed to: %v, %v", images, err)
	}
}

func TestImmutableTagsKeepTheirImage(t *testing.T) {
	t.Parallel()
	r, host := served(t)
	first, sum := image(t)
	second, other := image(t)
	mustPush(t, host, "fixed:v1", first)
	mustPush(t, host, "fixed:v1", first) // the same once more
	err := push(t, host, "fixed:v1", second)
	if err == nil || !strings.Contains(err.Error(), "TAG_INVALID") || !strings.Contains(err.Error(), "cannot be overwritten") {
		t.Errorf("pushed another image: %v", err)
	}
	if got, err := r.Resolve(t.Context(), "fixed", "v1"); err != nil || got != sum {
		t.Errorf("the tag is %s, %v", got, err)
	}
	mustPush(t, host, "fixed:v2", second)
	mustPush(t, host, "free:v1", first)
	mustPush(t, host, "free:v1", second)
	if got, err := r.Resolve(t.Context(), "free", "v1"); err != nil || got != other {
		t.Errorf("the mutable tag is %s, %v", got, err)
	}
}

func TestManifestsAreTaggedAgain(t *testing.T) {
	t.Parallel()
	r, host := served(t)
	made, sum := image(t)
	mustPush(t, host, "shop:v1", made)
	there, err := r.Image(t.Context(), "shop", "v1")
	if err != nil {
		t.Fatal(err)
	}
	put := func(tag string, manifest []byte, immutable bool) (string, error) {
		return r.Put(t.Context(), "shop", MediaType(manifest), tag, manifest, immutable)
	}
	if got, err := put("live", there.Manifest, true); err != nil || got != sum {
		t.Errorf("put %s, %v", got, err)
	}
	again := append([]byte("  "), there.Manifest...)
	if _, err := put("live", again, true); !errors.Is(err, ErrTagTaken) {
		t.Errorf("moved an immutable tag: %v", err)
	}
	broken := bytes.ReplaceAll(there.Manifest, []byte("sha256:"), []byte("sha256:0"))
	for what, manifest := range map[string][]byte{
		"no JSON": []byte("{"), "no manifest": []byte("[]"), "broken digests": broken,
	} {
		if _, err := put("bad", manifest, false); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The layers are another repository's.
	_, err = r.Put(t.Context(), "other", MediaType(there.Manifest), "v1", there.Manifest, false)
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("without layers: %v", err)
	}
}

func TestImagesAreDeleted(t *testing.T) {
	t.Parallel()
	r, host := served(t)
	made, sum := image(t)
	mustPush(t, host, "shop:v1", made)
	mustPush(t, host, "shop:v2", made)
	mustPush(t, host, "shop/web:v1", made)
	ctx := t.Context()
	check := func(what, ref string, there bool) {
		t.Helper()
		if _, err := r.Resolve(ctx, "shop", ref); errors.Is(err, ErrUnknown) == there {
			t.Errorf("%s: %s: %v", what, ref, err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.Untag(ctx, "shop", "v1"))
	check("with a tag left", "v1", false)
	check("with a tag left", sum, true)
	must(r.Untag(ctx, "shop", "v2"))
	check("without tags", sum, false)
	if err := r.Untag(ctx, "shop", "v2"); !errors.Is(err, ErrUnknown) {
		t.Errorf("untagged again: %v", err)
	}
	mustPush(t, host, "shop:v3", made)
	must(r.Delete(ctx, "shop", sum))
	check("deleted by digest", "v3", false)
	if images, err := r.Images(ctx, "shop"); err != nil || len(images) != 0 {
		t.Errorf("left: %v, %v", images, err)
	}
	mustPush(t, host, "shop:v4", made)
	must(r.Forget(ctx, "shop"))
	check("forgotten", sum, false)
	if _, err := r.Image(ctx, "shop/web", "v1"); err != nil {
		t.Errorf("a repository below the forgotten one: %v", err)
	}
	must(r.Forget(ctx, "shop")) // once more
}

func TestLayersBelongToTheirRepository(t *testing.T) {
	t.Parallel()
	r, host := served(t)
	made, _ := image(t)
	mustPush(t, host, "shop:v1", made)
	layers, err := made.Layers()
	if err != nil {
		t.Fatal(err)
	}
	sum, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	want, err := layers[0].Size()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Layer(t.Context(), "shop", sum.String()); err != nil || got != want {
		t.Errorf("size %d, %v; want %d", got, err, want)
	}
	for _, where := range [][2]string{{"other", sum.String()}, {"shop", "sha256:" + strings.Repeat("0", 64)}, {"shop", "x"}} {
		if _, err := r.Layer(t.Context(), where[0], where[1]); !errors.Is(err, ErrUnknown) {
			t.Errorf("layer %s of %s: %v", where[1], where[0], err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	sum := "sha256:" + strings.Repeat("a", 64)
	for request, want := range map[string]Operation{
		"GET /v2/":                              {Kind: Ping},
		"HEAD /v2/a/b/manifests/v1":             {GetManifest, "a/b", "v1"},
		"PUT /v2/a/manifests/" + sum:            {PutManifest, "a", sum},
		"DELETE /v2/a/manifests/" + sum:         {Unsupported, "a", sum},
		"GET /v2/a/blobs/" + sum:                {Kind: GetBlob, Repository: "a"},
		"HEAD /v2/a/blobs/" + sum:               {Kind: StatBlob, Repository: "a"},
		"DELETE /v2/a/blobs/" + sum:             {Kind: Unsupported, Repository: "a"},
		"POST /v2/a/blobs/uploads/":             {Kind: StartUpload, Repository: "a"},
		"PATCH /v2/a/blobs/uploads/1":           {Kind: UploadPart, Repository: "a"},
		"PUT /v2/a/blobs/uploads/1?digest=x":    {Kind: EndUpload, Repository: "a"},
		"GET /v2/a/tags/list":                   {Kind: ListTags, Repository: "a"},
		"GET /v2/_catalog":                      {},
		"GET /elsewhere":                        {},
		"POST /v2/a/manifests/v1":               {Unsupported, "a", "v1"},
		"GET /v2/a/blobs/uploads/manifests/b/c": {},
	} {
		method, target, _ := strings.Cut(request, " ")
		got := Parse(httptest.NewRequestWithContext(context.Background(), method, target, nil))
		if got != want {
			t.Errorf("%s is %+v, want %+v", request, got, want)
		}
	}
	mount := httptest.NewRequestWithContext(context.Background(), http.MethodPost,
		"/v2/a/blobs/uploads/?mount="+sum+"&from=b", nil)
	if got := Parse(mount); got.Kind != StartUpload || mount.URL.RawQuery != "" {
		t.Errorf("%+v with the query %q", got, mount.URL.RawQuery)
	}
}
