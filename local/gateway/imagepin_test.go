package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	pictures "github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"webstack/contract"
	"webstack/host/imagepin"
)

// A host pins an image and an index with the permissions of its role.
func TestHostsPinImages(t *testing.T) {
	t.Parallel()
	d := newLab(t).repository(func(in *ecr.CreateRepositoryInput) {
		in.ImageTagMutability = types.ImageTagMutabilityImmutable
		in.Tags = []types.Tag{{Key: aws.String(contract.TagStack), Value: aws.String("webstack/test")}}
	})
	image, imageDigest := picture(t)
	if err := d.push(d.name, "v1", d.auth, image); err != nil {
		t.Fatal(err)
	}
	index := ask(pictures.Index(500, 1, 2)).must(t)
	indexDigest := ask(index.Digest()).must(t).String()
	target := ask(name.NewTag(d.host()+"/"+d.name+":v2", name.Insecure)).must(t)
	if err := remote.WriteIndex(target, index, remote.WithAuth(d.auth), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	permitted := func(actions string) aws.Config {
		config, _ := d.l.assumed(allowing(actions, "arn:aws:ecr:us-east-1:123456789012:repository/*",
			`{"StringEquals": {"aws:ResourceTag/webstack:stack": ["webstack/test"]}}`))
		return config
	}
	repository := "123456789012.dkr.ecr.us-east-1.amazonaws.com/" + d.name
	live, previous := "v2@"+indexDigest, "v1@"+imageDigest
	err := imagepin.Protect(t.Context(), permitted("ecr:BatchGetImage"), repository, live, previous)
	if err == nil || !strings.Contains(err.Error(), "ecr:PutImage") {
		t.Errorf("without the permission: %v", err)
	}
	err = imagepin.Protect(t.Context(), permitted("ecr:BatchGetImage ecr:PutImage"), repository, live, previous)
	if err != nil {
		t.Fatal(err)
	}
	for _, detail := range ask(d.ecr.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: &d.name})).must(t).ImageDetails {
		if len(detail.ImageTags) != 1 || !strings.HasPrefix(detail.ImageTags[0], contract.PinTagPrefix) {
			continue
		}
		got := ask(d.ecr.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &d.name,
			ImageIds: []types.ImageIdentifier{{ImageDigest: detail.ImageDigest}}})).must(t)
		var pin struct{ Manifests []struct{ Digest string } }
		if err := json.Unmarshal([]byte(*got.Images[0].ImageManifest), &pin); err != nil {
			t.Fatal(err)
		}
		if len(pin.Manifests) != 2 || pin.Manifests[0].Digest != indexDigest || pin.Manifests[1].Digest != imageDigest {
			t.Errorf("the pin refers to %+v", pin.Manifests)
		}
		return
	}
	t.Error("there is no pin")
}
