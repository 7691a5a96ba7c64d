package converge

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"webstack/contract"
	"webstack/host/artifacts"
	"webstack/host/internal/s3test"
)

var fake s3test.Server

// Environment of a child process: see child.
const (
	childBucket = "CONVERGE_TEST_BUCKET"
	childSum    = "CONVERGE_TEST_SUM"
	childDir    = "CONVERGE_TEST_DIR"
	childLines  = "CONVERGE_TEST_LINES"
)

func TestMain(m *testing.M) {
	if os.Getenv(childBucket) != "" {
		os.Exit(child())
	}
	server := httptest.NewServer(&fake)
	s3test.SetEnvironment(server.URL)
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// child runs one converge, and kills itself when that many lines were printed.
func child() int {
	ctx := context.Background()
	lines, err := strconv.Atoi(os.Getenv(childLines))
	if err != nil {
		panic(err)
	}
	store, err := artifacts.Open(ctx, "", os.Getenv(childBucket))
	if err != nil {
		panic(err)
	}
	err = Run(ctx, Options{
		Store: store, ManifestSHA256: os.Getenv(childSum), StackDir: os.Getenv(childDir), Host: (&fakeHost{parameters: twoApps()}).host(),
		Out: &suicide{left: lines},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// suicide is a writer that kills its process after some lines.
type suicide struct{ left int }

func (s *suicide) Write(p []byte) (int, error) {
	s.left -= strings.Count(string(p), "\n")
	if s.left <= 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return len(p), nil
}

// bundle is a bundle in a bucket of its own, for a stack directory of its own.
type bundle struct {
	bucket   *s3test.Bucket
	dir      string
	manifest contract.Manifest
	sum      string
	host     *fakeHost
}

// publish makes a bundle of the files, given as path and content; paths below bin/ are programs.
func publish(t *testing.T, files map[string]string) *bundle {
	t.Helper()
	b := &bundle{bucket: fake.Bucket(), dir: t.TempDir() + "/stack", host: &fakeHost{}}
	b.update(t, files)
	return b
}

// update puts other files into the bundle.
func (b *bundle) update(t *testing.T, files map[string]string) {
	t.Helper()
	b.manifest = contract.Manifest{
		Version: contract.Version, Project: "webstack", Stack: "test", Region: "eu-central-1", StackDir: b.dir,
		PostgresUser: "postgres", PostgresDefaultDb: "app",
	}
	for name, text := range files {
		mode := contract.ModeData
		if strings.HasPrefix(name, "bin/") {
			mode = contract.ModeProgram
		}
		f := contract.File{Path: name, SHA256: contract.Sum([]byte(text)), Size: int64(len(text)), Mode: mode}
		b.manifest.Files = append(b.manifest.Files, f)
		b.bucket.Put(f.Key(), []byte(text))
	}
	b.putManifest()
}

func (b *bundle) putManifest() {
	text := b.manifest.Encode()
	b.sum = contract.Sum(text)
	b.bucket.Put(contract.ManifestKey, text)
}
