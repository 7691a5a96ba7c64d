package imagepin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

const (
	plainType  = "application/vnd.oci.image.manifest.v1+json"
	dockerType = "application/vnd.docker.distribution.manifest.v2+json"
)

// registry is a repository in memory.
type registry struct {
	types     map[string]string // of manifests
	tags      map[string]string // manifests
	refuse    func(manifest string) error
	getErr    error
	malformed bool
}

func newRegistry() *registry { return &registry{types: map[string]string{}, tags: map[string]string{}} }

// add adds an image and returns its release.
func (r *registry) add(tag, manifest, mediaType string) string {
	r.types[manifest] = mediaType
	return tag + "@" + digestOf(manifest)
}

func (r *registry) BatchGetImage(
	_ context.Context, in *ecr.BatchGetImageInput, _ ...func(*ecr.Options),
) (*ecr.BatchGetImageOutput, error) {
	out := &ecr.BatchGetImageOutput{}
	for manifest, mediaType := range r.types {
		if digestOf(manifest) == *in.ImageIds[0].ImageDigest && slices.Contains(in.AcceptedMediaTypes, mediaType) {
			if r.malformed {
				manifest += " "
			}
			out.Images = append(out.Images, types.Image{ImageManifest: &manifest, ImageManifestMediaType: &mediaType})
		}
	}
	if len(out.Images) == 0 {
		out.Failures = []types.ImageFailure{{FailureReason: aws.String("Requested image not found")}}
	}
	return out, r.getErr
}

func (r *registry) PutImage(
	_ context.Context, in *ecr.PutImageInput, _ ...func(*ecr.Options),
) (*ecr.PutImageOutput, error) {
	if r.refuse != nil {
		if err := r.refuse(*in.ImageManifest); err != nil {
			return nil, err
		}
	}
	r.types[*in.ImageManifest] = *in.ImageManifestMediaType
	r.tags[*in.ImageTag] = *in.ImageManifest
	return &ecr.PutImageOutput{}, nil
}

func (r *registry) pin(t *testing.T, live, previous string) error {
	t.Helper()
	p := &pinner{api: r, account: "123456789012", repository: "shop", now: time.Date(2026, 1, 31, 3, 15, 0, 0, time.UTC)}
	return p.pin(t.Context(), live, previous)
}

const theTag = "webstack-live-20260131t031500z"

// pinned returns what the pin refers to.
func (r *registry) pinned(t *testing.T) []descriptor {
	t.Helper()
	var found index
	if err := json.Unmarshal([]byte(r.tags[theTag]), &found); err != nil {
		t.Fatalf("tags %v: %v", r.tags, err)
	}
	if found.MediaType != indexType || found.SchemaVersion != 2 || found.Annotations[createdKey] != "2026-01-31T03:15:00Z" ||
		r.types[r.tags[theTag]] != indexType {
		t.Errorf("pin %+v", found)
	}
	return found.Manifests
}

func TestPinRefersToLiveAndPrevious(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	live, previous := r.add("v2", `{"live":1}`, dockerType), r.add("v1", `{"manifests":[]}`, indexType)
	if err := r.pin(t, live, previous); err != nil {
		t.Fatal(err)
	}
	want := []descriptor{
		{dockerType, digestOf(`{"live":1}`), 10}, {indexType, digestOf(`{"manifests":[]}`), 16},
	}
	if got := r.pinned(t); !slices.Equal(got, want) {
		t.Errorf("the pin refers to %+v, want %+v", got, want)
	}
}

func TestPinOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	r.add("v1", `{}`, plainType)
	if err := r.pin(t, digestOf(`{}`), ""); err != nil {
		t.Fatal(err)
	}
	if got := r.pinned(t); len(got) != 1 || got[0].Digest != digestOf(`{}`) {
		t.Errorf("the pin refers to %+v", got)
	}
}

// What is gone cannot be protected, but the other image can.
func TestImageThatIsGone(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	live := r.add("v2", `{}`, plainType)
	err := r.pin(t, live, "v1@"+digestOf("gone"))
	if err == nil || !strings.Contains(err.Error(), "pin the image of v1@sha256:") ||
		!strings.Contains(err.Error(), "Requested image not found") {
		t.Errorf("got error %v", err)
	}
	if got := r.pinned(t); len(got) != 1 || got[0].Digest != digestOf(`{}`) {
		t.Errorf("the pin refers to %+v", got)
	}
}

func TestRefusedIndex(t *testing.T) {
	t.Parallel()
	r := newRegistry()
	live, previous := r.add("v2", `{"manifests":[]}`, indexType), r.add("v1", `{}`, plainType)
	r.refuse = func(manifest string) error {
		if strings.Contains(manifest, indexType) {
			return &types.InvalidParameterException{Message: aws.String("nested index")}
		}
		return nil
	}
	if err := r.pin(t, live, previous); err != nil {
		t.Fatal(err)
	}
	if r.tags[theTag] != `{"manifests":[]}` || r.tags[theTag+"-previous"] != `{}` || len(r.tags) != 2 {
		t.Errorf("tags %v", r.tags)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*registry){
		"ask ECR for it: no network":               func(r *registry) { r.getErr = errors.New("no network") },
		"the answer has the digest sha256:":        func(r *registry) { r.malformed = true },
		"push " + theTag + " to ECR: no such role": func(r *registry) { r.refuse = func(string) error { return errors.New("no such role") } },
	} {
		r := newRegistry()
		live := r.add("v1", `{}`, plainType)
		spoil(r)
		if err := r.pin(t, live, ""); err == nil || !strings.Contains(err.Error(), want) || len(r.tags) > 0 {
			t.Errorf("got error %v, want %q; tags %v", err, want, r.tags)
		}
	}
	if err := newRegistry().pin(t, "v1", ""); err == nil || !strings.Contains(err.Error(), "pin the image of v1: the release has no digest") {
		t.Errorf("without a digest: %v", err)
	}
}

func TestProtectAsksTheRegionOfTheRepository(t *testing.T) {
	t.Parallel()
	var calls []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.Header.Get("X-Amz-Target"), r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write([]byte(`{"images":[],"failures":[]}`))
	}))
	defer server.Close()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", ""),
	}
	if err := Protect(t.Context(), cfg, "ghcr.io/acme/shop", "v1@"+digestOf("x"), ""); err != nil || calls != nil {
		t.Errorf("another registry: %v, calls %v", err, calls)
	}
	err := Protect(t.Context(), cfg, "123456789012.dkr.ecr.eu-central-1.amazonaws.com/acme/shop", "v1@"+digestOf("x"), "")
	if err == nil || !strings.Contains(err.Error(), "it is not in the repository") {
		t.Errorf("got error %v", err)
	}
	if len(calls) != 2 || !strings.HasSuffix(calls[0], ".BatchGetImage") || !strings.Contains(calls[1], "/eu-central-1/ecr/") {
		t.Errorf("calls %v", calls)
	}
}
