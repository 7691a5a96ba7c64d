package images

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"gopkg.in/yaml.v3"

	"webstack/appcompose/render"
	"webstack/config"
	"webstack/e2e/lab"
	"webstack/internal/tooltest"
	"webstack/local/images"
	"webstack/local/machine"
	"webstack/local/workdir"
	program "webstack/stack"
)

// service is the part of a rendered service that is passed to docker run.
type service struct {
	Image       string            `yaml:"image"`
	Command     []string          `yaml:"command"`
	WorkingDir  string            `yaml:"working_dir"`
	Environment map[string]string `yaml:"environment"`
	ReadOnly    bool              `yaml:"read_only"`
	Tmpfs       []string          `yaml:"tmpfs"`
	MemLimit    string            `yaml:"mem_limit"`
	ShmSize     string            `yaml:"shm_size"`
	CapDrop     []string          `yaml:"cap_drop"`
	CapAdd      []string          `yaml:"cap_add"`
	SecurityOpt []string          `yaml:"security_opt"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

// stack renders a stack of one app, shop, that has Caddy's own certificates.
func stack(t *testing.T) (services map[string]service, caddyfile []byte) {
	t.Helper()
	c, err := config.Load("dev", map[string]string{
		config.Namespace + ":apps": `{"shop": {"domain": "shop.localhost", "zone": "localhost"}}`,
		config.Namespace + ":acme": "internal",
	})
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := render.Render(program.RenderInput(c, "webstack", "dev", "eu-central-1", "123456789012"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Services map[string]service }
	if err := yaml.Unmarshal(rendered.Compose, &file); err != nil {
		t.Fatal(err)
	}
	return file.Services, rendered.Caddyfile
}

// options returns the options of docker run for the service.
func (s service) options() []string {
	out := []string{"--memory", s.MemLimit}
	for _, name := range slices.Sorted(maps.Keys(s.Environment)) {
		out = append(out, "--env", name+"="+s.Environment[name])
	}
	for option, values := range map[string][]string{
		"--tmpfs": s.Tmpfs, "--cap-drop": s.CapDrop, "--cap-add": s.CapAdd, "--security-opt": s.SecurityOpt,
	} {
		for _, value := range values {
			out = append(out, option, value)
		}
	}
	if s.ReadOnly {
		out = append(out, "--read-only")
	}
	if s.ShmSize != "" {
		out = append(out, "--shm-size", s.ShmSize)
	}
	if s.WorkingDir != "" {
		out = append(out, "--workdir", s.WorkingDir)
	}
	return out
}

// healthy runs the service's health check.
func (s service) healthy(ctx context.Context, container string) bool {
	return s.Healthcheck.Test[0] == "CMD" &&
		exec.CommandContext(ctx, "docker", append([]string{"exec", container}, s.Healthcheck.Test[1:]...)...).Run() == nil
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// run starts a container that is removed with its volumes when the test ends.
func run(t *testing.T, options []string, image string, command ...string) (container string) {
	t.Helper()
	container = "webstack-e2e-images-" + strings.ToLower(rand.Text()[:12])
	args := append([]string{"run", "--detach", "--name", container}, options...)
	docker(t, append(append(args, image), command...)...)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := exec.Command("docker", "logs", "--tail", "50", container).CombinedOutput()
			t.Logf("%s said:\n%s", container, out)
		}
		_ = exec.Command("docker", "rm", "--force", "--volumes", container).Run()
	})
	return container
}

// address returns where a published port answers.
func address(t *testing.T, container, port string) string {
	t.Helper()
	first, _, _ := strings.Cut(docker(t, "port", container, port), "\n")
	return first
}

// architecture returns the engine's architecture; without an engine the test is skipped.
func architecture(t *testing.T) string {
	t.Helper()
	if err := machine.Probe(t.Context()); err != nil {
		tooltest.Missing(t, "no Docker engine to run images on: %v", err)
	}
	arch, err := images.Architecture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return arch
}

// hub makes the images once for all tests.
var hub = sync.OnceValues(func() ([]images.HubImage, error) {
	ctx := context.Background()
	arch, err := images.Architecture(ctx)
	if err != nil {
		return nil, err
	}
	root, err := workdir.Find(".")
	if err != nil {
		return nil, err
	}
	quiet := func(string) func() { return func() {} }
	base := func(ctx context.Context) (string, error) { return machine.Image(ctx, nil) }
	return images.Hub(ctx, root, arch, base, quiet)
})

// hubImage loads the image that replaces one of Docker Hub into the engine and returns its name there.
func hubImage(t *testing.T, reference string) string {
	t.Helper()
	architecture(t)
	all, err := hub()
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range all {
		if image.Repository+":"+image.Tag == "library/"+reference {
			return load(t, image.Image)
		}
	}
	t.Fatalf("no image replaces %s", reference)
	return ""
}

func load(t *testing.T, image v1.Image) string {
	t.Helper()
	tag, err := name.NewTag("webstack-e2e-images:" + strings.ToLower(rand.Text()[:12]))
	if err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	go func() { _ = write.CloseWithError(tarball.Write(tag, image, write)) }()
	cmd := exec.CommandContext(t.Context(), "docker", "load", "--quiet")
	cmd.Stdin = read
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("docker load: %v\n%s", err, out.String())
	}
	local := strings.TrimPrefix(tag.String(), "index.docker.io/library/")
	t.Cleanup(func() { _ = exec.Command("docker", "image", "rm", "--force", local).Run() })
	return local
}

// eventually retries until the answer is yes, for at most a minute.
func eventually(t *testing.T, failure string, ask func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", failure, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func healthy(s service, container string) func(context.Context) error {
	return func(ctx context.Context) error {
		if !s.healthy(ctx, container) {
			return fmt.Errorf("health check %v fails", s.Healthcheck.Test)
		}
		return nil
	}
}

func demo(t *testing.T) (image, tag string) {
	t.Helper()
	built, tag, err := images.Demo(t.Context(), workdir.Dir(lab.ProjectRoot(t)), architecture(t))
	if err != nil {
		t.Fatal(err)
	}
	return load(t, built), tag
}
