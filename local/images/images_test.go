package images

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"golang.org/x/mod/modfile"

	"webstack/contract"
	"webstack/local/workdir"
)

func digest(t *testing.T, image v1.Image) string {
	t.Helper()
	sum, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return sum.String()
}

// tiny returns an image of one file.
func tiny(content string) (v1.Image, error) {
	l, err := layer(entry{path: "/hello", mode: 0o755, content: []byte(content)})
	if err != nil {
		return nil, err
	}
	return assemble("amd64", v1.Config{}, l)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestLayerHasParentsAndModes(t *testing.T) {
	t.Parallel()
	entries := []entry{
		{path: "/usr/bin/hello", mode: 0o755, content: []byte("program")},
		{path: "/tmp", mode: os.ModeDir | os.ModeSticky | 0o777},
		{path: "/usr/bin", mode: os.ModeDir | 0o711},
	}
	l, err := layer(entries...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	var got []string
	archive := tar.NewReader(files)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(archive)
		got = append(got, header.FileInfo().Mode().String()+" "+header.Name+" "+string(content))
	}
	want := []string{"dtrwxrwxrwx tmp/ ", "drwxr-xr-x usr/ ", "drwx--x--x usr/bin/ ", "-rwxr-xr-x usr/bin/hello program"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}

	slices.Reverse(entries)
	same, err := layer(entries...)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := l.Digest()
	second, _ := same.Digest()
	if first != second {
		t.Error("another order gives another layer")
	}
}

func TestAssemble(t *testing.T) {
	t.Parallel()
	l, err := layer(entry{path: "/hello", mode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	image, err := assemble("arm64", v1.Config{Entrypoint: []string{"/hello"}}, l)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil || file.Architecture != "arm64" || file.OS != "linux" || file.Config.Entrypoint[0] != "/hello" {
		t.Errorf("config %+v, %v", file, err)
	}
}

func TestCacheMakesOnceAndKeeps(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	var made atomic.Int32
	build := func(_ context.Context, temp string) (v1.Image, error) {
		made.Add(1)
		write(t, filepath.Join(temp, "scratch"), "")
		return tiny("one")
	}
	var digests [4]string
	var done sync.WaitGroup
	for i := range digests {
		done.Go(func() {
			image, err := cached(t.Context(), dir, "thing-1", build)
			if err != nil {
				t.Error(err)
				return
			}
			if err := validate.Image(image); err != nil {
				t.Error(err)
			}
			digests[i] = digest(t, image)
		})
	}
	done.Wait()
	if made.Load() != 1 || digests[0] == "" || digests[0] != digests[3] {
		t.Errorf("made %d times: %v", made.Load(), digests)
	}
	found, err := filepath.Glob(filepath.Join(dir.Images(), ".*"))
	if err != nil || len(found) != 0 {
		t.Errorf("left behind: %v, %v", found, err)
	}
}

func TestCacheKeepsNothingOfAFailure(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	// What a killed run leaves.
	write(t, filepath.Join(dir.Images(), ".new-thing-1", "layout", "oci-layout"), "half")
	failure := errors.New("no space")
	_, err := cached(t.Context(), dir, "thing-1", func(context.Context, string) (v1.Image, error) { return nil, failure })
	if !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
	image, err := cached(t.Context(), dir, "thing-1", func(context.Context, string) (v1.Image, error) {
		return tiny("two")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(image); err != nil {
		t.Error(err)
	}
}

func TestCacheNamesTheBrokenFolder(t *testing.T) {
	t.Parallel()
	dir := workdir.Dir(t.TempDir())
	write(t, filepath.Join(dir.Images(), "thing-1", "index.json"), "{")
	_, err := cached(t.Context(), dir, "thing-1", func(context.Context, string) (v1.Image, error) {
		return random.Image(1<<10, 1)
	})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir.Images(), "thing-1")) {
		t.Errorf("got %v", err)
	}
}

func TestKeyFollowsWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	key := func(a, b, text string) string {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "src", "a"), a)
		write(t, filepath.Join(dir, "src", "deep", "b"), b)
		key, err := keyOf(workdir.Dir(dir), []string{"src"}, text)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	first := key("x", "y", "1")
	if first != key("x", "y", "1") {
		t.Error("the same files in another folder have another key")
	}
	for _, other := range []string{key("x", "z", "1"), key("", "xy", "1"), key("x", "y", "2")} {
		if other == first {
			t.Error("other files or texts have the same key")
		}
	}
	if _, err := keyOf(workdir.Dir(t.TempDir()), []string{"missing"}); err == nil {
		t.Error("a missing folder is not an error")
	}
}

func TestPushSendsOnce(t *testing.T) {
	t.Parallel()
	var puts atomic.Int32
	store := registry.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AWS" || password != "token" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			puts.Add(1)
		}
		store.ServeHTTP(w, r)
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	image, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		sum, err := Push(t.Context(), image, address, "webstack-local/shop", "v1", "AWS", "token")
		if err != nil || sum != digest(t, image) {
			t.Fatalf("pushed %s, %v", sum, err)
		}
	}
	if puts.Load() != 1 {
		t.Errorf("the tag was written %d times", puts.Load())
	}
	if _, err := Push(t.Context(), image, address, "webstack-local/shop", "v2", "AWS", "s3cret"); err == nil ||
		strings.Contains(err.Error(), "s3cret") {
		t.Errorf("with a wrong password: %v", err)
	}
	if _, err := Push(t.Context(), image, address, "Shop", "v1", "", ""); err == nil {
		t.Error("an invalid name is not an error")
	}
}

// Both stand for the same thing, and Caddy's configuration is tested with the module.
func TestVersionsOfCaddyAgree(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"../../tools/caddy/go.mod", "../../e2e/go.mod"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		module, err := modfile.Parse(path, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, require := range module.Require {
			if require.Mod.Path != "github.com/caddyserver/caddy/v2" {
				continue
			}
			if want := "caddy:" + strings.TrimPrefix(require.Mod.Version, "v") + "-alpine"; contract.CaddyImage != want {
				t.Errorf("%s has Caddy %s, stacks run %s", path, require.Mod.Version, contract.CaddyImage)
			}
		}
	}
}
