package images

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"webstack/contract"
	"webstack/internal/gobuild"
	"webstack/local/workdir"
)

// Demo compiles the demo app for Linux on goarch ("amd64" or "arm64") and returns its image, and the tag to release it
// under, "demo-" and 12 hexadecimal digits. The same sources give the same image and the same tag. The app shows the tag
// as its version.
func Demo(ctx context.Context, dir workdir.Dir, goarch string) (image v1.Image, tag string, err error) {
	path, err := gobuild.Program(ctx, string(dir), "examples/hello", ".", goarch)
	if err != nil {
		return nil, "", err
	}
	hello, err := program("/hello", path)
	if err != nil {
		return nil, "", err
	}
	files, err := layer(hello)
	if err != nil {
		return nil, "", err
	}
	tag = "demo-" + contract.Sum(hello.content)[:12]
	image, err = assemble(goarch, v1.Config{
		Entrypoint: []string{"/hello"}, User: "65532:65532", WorkingDir: "/",
		Env: []string{"VERSION=" + tag}, ExposedPorts: map[string]struct{}{"8080/tcp": {}},
	}, files)
	return image, tag, err
}
