package gateway

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	pictures "github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// depot is a repository and a way to it.
type depot struct {
	l    *lab
	ecr  *ecr.Client
	name string
	auth authn.Authenticator
}

func (l *lab) repository(change func(*ecr.CreateRepositoryInput)) *depot {
	l.t.Helper()
	d := &depot{l: l, ecr: ecr.NewFromConfig(l.config()), name: unique()}
	in := &ecr.CreateRepositoryInput{RepositoryName: &d.name}
	if change != nil {
		change(in)
	}
	ask(d.ecr.CreateRepository(l.t.Context(), in)).must(l.t)
	d.auth = logIn(l.t, d.ecr)
	return d
}

func logIn(t *testing.T, client *ecr.Client) authn.Authenticator {
	t.Helper()
	out := ask(client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})).must(t)
	data := out.AuthorizationData[0]
	if left := time.Until(*data.ExpiresAt); left < 11*time.Hour || left > 13*time.Hour ||
		!strings.HasPrefix(*data.ProxyEndpoint, "http://127.0.0.1:") {
		t.Errorf("the login ends at %s, for %s", *data.ExpiresAt, *data.ProxyEndpoint)
	}
	text := string(ask(base64.StdEncoding.DecodeString(*data.AuthorizationToken)).must(t))
	user, password, _ := strings.Cut(text, ":")
	return &authn.Basic{Username: user, Password: password}
}

func (d *depot) host() string { return strings.TrimPrefix(d.l.endpoint, "http://") }

func (d *depot) push(repository, tag string, auth authn.Authenticator, image v1.Image) error {
	d.l.t.Helper()
	target := ask(name.NewTag(d.host()+"/"+repository+":"+tag, name.Insecure)).must(d.l.t)
	return remote.Write(target, image, remote.WithAuth(auth), remote.WithContext(d.l.t.Context()))
}

func (d *depot) pull(repository, tag string, auth authn.Authenticator) error {
	d.l.t.Helper()
	target := ask(name.NewTag(d.host()+"/"+repository+":"+tag, name.Insecure)).must(d.l.t)
	image, err := remote.Image(target, remote.WithAuth(auth), remote.WithContext(d.l.t.Context()))
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	reader, err := layers[0].Compressed()
	if err != nil {
		return err
	}
	return reader.Close()
}

func picture(t *testing.T) (v1.Image, string) {
	t.Helper()
	image := ask(pictures.Image(500, 1)).must(t)
	return image, ask(image.Digest()).must(t).String()
}

// refused checks the error of a registry.
func refused(t *testing.T, what string, err error, code, word string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), word) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, word)
	}
}

func TestImagesArePushedToExistingRepositories(t *testing.T) {
	t.Parallel()
	d := newLab(t).repository(nil)
	image, digest := picture(t)
	if err := d.push(d.name, "v1", d.auth, image); err != nil {
		t.Fatal(err)
	}
	if err := d.pull(d.name, "v1", d.auth); err != nil {
		t.Error(err)
	}
	refused(t, "elsewhere", d.push("nowhere", "v1", d.auth, image), "NAME_UNKNOWN", "nowhere")
	refused(t, "nobody", d.push(d.name, "v1", authn.Anonymous, image), "401", "")
	refused(t, "a stranger", d.pull(d.name, "v1", &authn.Basic{Username: "AWS", Password: "guess"}), "UNAUTHORIZED", "")
	out := ask(d.ecr.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &d.name})).must(t).ImageDetails
	if len(out) != 1 || *out[0].ImageDigest != digest || !slices.Equal(out[0].ImageTags, []string{"v1"}) ||
		*out[0].ImageSizeInBytes == 0 || time.Since(*out[0].ImagePushedAt) > time.Hour {
		t.Errorf("images %+v", out)
	}
	d.l.clock.forward(loginLife)
	refused(t, "after 12 hours", d.pull(d.name, "v1", d.auth), "UNAUTHORIZED", "")
}

func TestTagsAreImmutable(t *testing.T) {
	t.Parallel()
	d := newLab(t).repository(func(in *ecr.CreateRepositoryInput) {
		in.ImageTagMutability = types.ImageTagMutabilityImmutable
	})
	first, _ := picture(t)
	second, _ := picture(t)
	for range 2 {
		if err := d.push(d.name, "v1", d.auth, first); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, "another image", d.push(d.name, "v1", d.auth, second), "TAG_INVALID", "cannot be overwritten")
	if err := d.push(d.name, "v2", d.auth, second); err != nil {
		t.Error(err)
	}
	manifest := string(ask(first.RawManifest()).must(t))
	put := func(tag string) error {
		_, err := d.ecr.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &d.name, ImageManifest: &manifest, ImageTag: &tag})
		return err
	}
	wantCode(t, put("v2"), "ImageTagAlreadyExistsException", "v2")
	wantCode(t, put("v1"), "ImageAlreadyExistsException", "v1")
	if err := put("v3"); err != nil {
		t.Error(err)
	}
}

func TestLoginsHaveThePermissionsOfTheirRole(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	d, other := l.repository(nil), l.repository(nil)
	image, _ := picture(t)
	if err := d.push(d.name, "v1", d.auth, image); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:ecr:us-east-1:123456789012:repository/" + d.name
	const pull, push = "ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
		"ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:CompleteLayerUpload ecr:GetDownloadUrlForLayer " +
			"ecr:InitiateLayerUpload ecr:PutImage ecr:UploadLayerPart"
	as := func(actions string) authn.Authenticator {
		config, role := l.assumed(allowing("ecr:GetAuthorizationToken", "*"))
		auth := logIn(t, ecr.NewFromConfig(config))
		l.grant(role, allowing(actions, arn))
		return auth
	}
	if err := d.pull(d.name, "v1", as(pull)); err != nil {
		t.Errorf("pull: %v", err)
	}
	next, _ := picture(t)
	if err := d.push(d.name, "v2", as(push), next); err != nil {
		t.Errorf("push: %v", err)
	}
	refused(t, "elsewhere", d.push(other.name, "v1", as(push), next), "403", "")
	// Each permission is needed; for asking for a layer, one of two is sufficient.
	for _, one := range strings.Fields(push) {
		if one == "ecr:BatchCheckLayerAvailability" || one == "ecr:GetDownloadUrlForLayer" || one == "ecr:BatchGetImage" {
			continue
		}
		fresh, _ := picture(t)
		without := strings.Join(slices.DeleteFunc(strings.Fields(push), func(a string) bool { return a == one }), " ")
		refused(t, "push without "+one, d.push(d.name, "v3", as(without), fresh), "DENIED", one)
	}
	for _, one := range strings.Fields(pull) {
		without := strings.TrimSpace(strings.Replace(pull, one, "", 1))
		refused(t, "pull without "+one, d.pull(d.name, "v1", as(without)), "DENIED", one)
	}
}

func TestImagesAreListedFetchedAndDeleted(t *testing.T) {
	t.Parallel()
	d, ctx := newLab(t).repository(nil), t.Context()
	first, firstDigest := picture(t)
	second, secondDigest := picture(t)
	for tag, image := range map[string]v1.Image{"v1": first, "v1-again": first, "v2": second} {
		if err := d.push(d.name, tag, d.auth, image); err != nil {
			t.Fatal(err)
		}
	}
	list := func() []string {
		var out []string
		in := &ecr.ListImagesInput{RepositoryName: &d.name, MaxResults: aws.Int32(2)}
		for pages := ecr.NewListImagesPaginator(d.ecr, in); pages.HasMorePages(); {
			for _, id := range ask(pages.NextPage(ctx)).must(t).ImageIds {
				out = append(out, aws.ToString(id.ImageTag))
			}
		}
		slices.Sort(out)
		return out
	}
	if got := list(); !slices.Equal(got, []string{"v1", "v1-again", "v2"}) {
		t.Errorf("tags %q", got)
	}
	tagged := func(tag string) types.ImageIdentifier { return types.ImageIdentifier{ImageTag: &tag} }
	got := ask(d.ecr.BatchGetImage(ctx, &ecr.BatchGetImageInput{RepositoryName: &d.name,
		ImageIds: []types.ImageIdentifier{tagged("v1"), tagged("none")}})).must(t)
	if len(got.Images) != 1 || *got.Images[0].ImageId.ImageDigest != firstDigest ||
		*got.Images[0].ImageManifest != string(ask(first.RawManifest()).must(t)) ||
		len(got.Failures) != 1 || got.Failures[0].FailureCode != types.ImageFailureCodeImageNotFound {
		t.Errorf("fetched %+v", got)
	}
	layer := ask(ask(first.Layers()).must(t)[0].Digest()).must(t).String()
	none := "sha256:" + strings.Repeat("0", 64)
	layers := ask(d.ecr.BatchCheckLayerAvailability(ctx, &ecr.BatchCheckLayerAvailabilityInput{RepositoryName: &d.name,
		LayerDigests: []string{layer, none}})).must(t).Layers
	if len(layers) != 2 || layers[0].LayerAvailability != types.LayerAvailabilityAvailable ||
		layers[1].LayerAvailability != types.LayerAvailabilityUnavailable {
		t.Errorf("layers %+v", layers)
	}
	_, err := d.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: &d.name,
		ImageIds: []types.ImageIdentifier{tagged("none")}})
	wantCode(t, err, "ImageNotFoundException", "none")
	_, err = d.ecr.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: aws.String("nowhere")})
	wantCode(t, err, "RepositoryNotFoundException", "nowhere")

	deleted := ask(d.ecr.BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{RepositoryName: &d.name,
		ImageIds: []types.ImageIdentifier{tagged("v1"), {ImageDigest: &secondDigest}, tagged("none")}})).must(t)
	if len(deleted.ImageIds) != 3 || len(deleted.Failures) != 1 {
		t.Errorf("deleted %+v", deleted)
	}
	if got := list(); !slices.Equal(got, []string{"v1-again"}) {
		t.Errorf("left %q", got)
	}
}

func TestRepositoriesAreDeletedWithTheirImages(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	d := l.repository(nil)
	image, _ := picture(t)
	if err := d.push(d.name, "v1", d.auth, image); err != nil {
		t.Fatal(err)
	}
	remove := func(force bool) error {
		_, err := d.ecr.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: &d.name, Force: force})
		return err
	}
	wantCode(t, remove(false), "RepositoryNotEmptyException", d.name)
	if err := remove(true); err != nil {
		t.Fatal(err)
	}
	wantCode(t, remove(true), "RepositoryNotFoundException", d.name)
	ask(d.ecr.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &d.name})).must(t)
	left := ask(d.ecr.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: &d.name})).must(t).ImageIds
	if len(left) != 0 {
		t.Errorf("the new repository has %+v", left)
	}
	if err := remove(false); err != nil {
		t.Errorf("delete an empty one: %v", err)
	}
}

func TestTheHubIsReadByAllAndWrittenByOne(t *testing.T) {
	t.Parallel()
	d := newLab(t).repository(nil)
	image, _ := picture(t)
	key := &authn.Basic{Username: "hub", Password: "key"}
	refused(t, "another key", d.push("library/caddy", "2", &authn.Basic{Username: "hub", Password: "x"}, image), "401", "")
	if err := d.push("library/caddy", "2", key, image); err != nil {
		t.Fatal(err)
	}
	refused(t, "by way of ECR", d.pull("library/caddy", "2", d.auth), "NAME_UNKNOWN", "")
	machines := httptest.NewServer(d.l.gateway.Registries())
	t.Cleanup(machines.Close)
	get := func(method, host, path string) int {
		request := ask(http.NewRequestWithContext(t.Context(), method, machines.URL+path, nil)).must(t)
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	const own, hub = "123456789012.dkr.ecr.us-east-1.amazonaws.com", "registry-1.docker.io"
	for _, test := range []struct {
		method, host, path string
		want               int
	}{
		{"GET", hub, "/v2/", 200}, {"GET", hub, "/v2/library/caddy/manifests/2", 200},
		{"GET", hub, "/v2/library/caddy/manifests/3", 404}, {"POST", hub, "/v2/library/caddy/blobs/uploads/", 401},
		{"GET", hub, "/v2/_catalog", 405}, {"GET", own, "/v2/", 401}, {"GET", "elsewhere.example.com", "/v2/", 404},
	} {
		if got := get(test.method, test.host, test.path); got != test.want {
			t.Errorf("%s https://%s%s answers %d, want %d", test.method, test.host, test.path, got, test.want)
		}
	}
	if !Registry(own) || !Registry(hub) || Registry("example.com") || Registry("x"+own) {
		t.Error("names of registries are recognized wrongly")
	}
}
