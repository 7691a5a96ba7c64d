// Package registry holds the tests of ECR in the laptop cloud with the Docker engine of this computer as its client.
package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"webstack/internal/tooltest"
	"webstack/local/gateway"
	"webstack/local/moto"
	images "webstack/local/registry"
	"webstack/local/workdir"
)

// bench is an account with a repository that is called shop.
type bench struct {
	t        *testing.T
	ecr      *ecr.Client
	registry string // "127.0.0.1:port"
	settings string // the Docker command's folder
}

func open(t *testing.T) *bench {
	t.Helper()
	engine, err := exec.CommandContext(t.Context(), "docker", "info", "--format", "{{.OSType}}").CombinedOutput()
	if err != nil || strings.TrimSpace(string(engine)) != "linux" {
		tooltest.Missing(t, "no Docker engine can be used: %v: %s", err, engine)
	}
	dir, err := workdir.Find("../..")
	if err != nil {
		t.Fatal(err)
	}
	emulator, err := moto.Start(t.Context(), dir.Moto(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(emulator.Stop)
	store, err := images.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	server := httptest.NewServer(gateway.New(gateway.Options{
		Moto: emulator.Dial, AccessKeyID: "laptop", SecretAccessKey: "laptop", Log: t.Output(), Images: store, Hub: store,
	}))
	t.Cleanup(server.Close)
	b := &bench{t: t, registry: strings.TrimPrefix(server.URL, "http://"), settings: t.TempDir(), ecr: ecr.New(ecr.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("laptop", "laptop", ""),
	})}
	_, err = b.ecr.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{
		RepositoryName: aws.String("shop"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// try runs docker with settings of the test's own, and returns what it printed.
func (b *bench) try(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.t.Context()), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "docker", append([]string{"--config", b.settings}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

func (b *bench) docker(args ...string) string {
	b.t.Helper()
	out, err := b.try("", args...)
	if err != nil {
		b.t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// refused expects docker to fail with a message that contains the word.
func (b *bench) refused(word string, args ...string) {
	b.t.Helper()
	if out, err := b.try("", args...); err == nil || !strings.Contains(out, word) {
		b.t.Errorf("docker %s: %v, want a refusal with %q\n%s", strings.Join(args, " "), err, word, out)
	}
}

// build makes an image of a program that says hello, with a label, and removes it when the test ends.
func (b *bench) build(tag, label string) (ref string) {
	b.t.Helper()
	dir := b.t.TempDir()
	compile := exec.CommandContext(b.t.Context(), "go", "build", "-o", filepath.Join(dir, "hello"), "./testdata")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := compile.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, out)
	}
	recipe := fmt.Sprintf("FROM scratch\nLABEL test=%q\nCOPY hello /hello\nENTRYPOINT [\"/hello\"]\n", label)
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(recipe), 0o600); err != nil {
		b.t.Fatal(err)
	}
	ref = b.registry + "/" + tag
	b.docker("build", "--tag", ref, dir)
	b.t.Cleanup(func() { _, _ = b.try("", "rmi", "--force", ref) })
	return ref
}

// logIn logs docker in by the token of ECR.
func (b *bench) logIn() {
	b.t.Helper()
	out, err := b.ecr.GetAuthorizationToken(b.t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		b.t.Fatal(err)
	}
	data := out.AuthorizationData[0]
	text, err := base64.StdEncoding.DecodeString(*data.AuthorizationToken)
	if err != nil {
		b.t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(text), ":")
	if said, err := b.try(password, "login", "--username", user, "--password-stdin", *data.ProxyEndpoint); err != nil {
		b.t.Fatalf("docker login: %v\n%s", err, said)
	}
}

func TestImagesGoThroughTheRegistry(t *testing.T) {
	t.Parallel()
	b := open(t)
	ref := b.build("shop:v1", "first")
	b.refused("no basic auth credentials", "push", ref)
	b.logIn()
	pushed := regexp.MustCompile(`digest: (sha256:[0-9a-f]{64})`).FindStringSubmatch(b.docker("push", ref))
	if pushed == nil {
		t.Fatal("docker push names no digest")
	}
	found, err := b.ecr.DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("shop"),
		ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := *found.ImageDetails[0].ImageDigest; got != pushed[1] {
		t.Errorf("ECR has %s, docker pushed %s", got, pushed[1])
	}
	b.docker("rmi", "--force", ref)
	byDigest := b.registry + "/shop@" + pushed[1]
	t.Cleanup(func() { _, _ = b.try("", "rmi", "--force", byDigest) })
	b.docker("pull", byDigest)
	if out := b.docker("run", "--rm", "--network", "none", byDigest); out != "hello from the registry\n" {
		t.Errorf("the image says %q", out)
	}

	other := b.build("shop:v1", "second") // the same tag for another image
	b.refused("cannot be overwritten", "push", other)
	b.docker("tag", other, b.registry+"/shop:v2")
	t.Cleanup(func() { _, _ = b.try("", "rmi", "--force", b.registry+"/shop:v2") })
	b.docker("push", b.registry+"/shop:v2")
	b.docker("push", b.registry+"/shop:v2") // the same image again
	b.docker("tag", other, b.registry+"/nowhere:v1")
	t.Cleanup(func() { _, _ = b.try("", "rmi", "--force", b.registry+"/nowhere:v1") })
	b.refused("does not exist in the registry", "push", b.registry+"/nowhere:v1")
	b.refused("not found", "pull", b.registry+"/shop:v3")
}
