package appcompose

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/appcompose/render"
	"webstack/contract"
)

// bundle is what is published.
type bundle struct {
	rendered render.Files
	program  contract.File
	manifest []byte
}

// programFile describes the host program at a local path.
func programFile(path string) (contract.File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return contract.File{}, fmt.Errorf("read the host program: %w", err)
	}
	return contract.File{
		Path: contract.HostProgramPath, SHA256: contract.Sum(content), Size: int64(len(content)), Mode: contract.ModeProgram,
	}, nil
}

// bundle stores the bundle in the artifacts bucket. Keys never change, so a preview shows a changed text line by
// line. The manifest comes last: a host that finds the manifest also finds the files that it names.
func (p *publisher) bundle(b bundle) error {
	bucket, settings, err := p.bucket()
	if err != nil {
		return err
	}
	text := func(content string) *s3.BucketObjectv2Args {
		return &s3.BucketObjectv2Args{
			Content: pulumi.String(content), ContentType: pulumi.String("text/plain; charset=utf-8"),
		}
	}
	after := settings
	for _, object := range []struct {
		name, key string
		args      *s3.BucketObjectv2Args
	}{
		{"compose", contract.BundlePrefix + contract.ComposePath, text(p.component.ComposeYaml)},
		{"caddyfile", contract.BundlePrefix + contract.CaddyfilePath, text(p.component.Caddyfile)},
		{"host-program", contract.BundlePrefix + contract.HostProgramPath, &s3.BucketObjectv2Args{
			Source: pulumi.NewFileAsset(p.args.HostProgram), ContentType: pulumi.String("application/octet-stream"),
		}},
		{"manifest", contract.ManifestKey, text(string(b.manifest))},
	} {
		object.args.Bucket, object.args.Key = bucket.Bucket, pulumi.String(object.key)
		r, err := s3.NewBucketObjectv2(p.ctx, p.name+"-"+object.name, object.args, p.child(pulumi.DependsOn(after))...)
		if err != nil {
			return fmt.Errorf("put %s: %w", object.key, err)
		}
		after = append(after, r)
		p.published(r)
	}
	return nil
}
