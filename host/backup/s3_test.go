package backup

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"

	"webstack/host/internal/s3test"
)

var cloud s3test.Server

func TestMain(m *testing.M) {
	server := httptest.NewServer(&cloud)
	s3test.SetEnvironment(server.URL)
	code := m.Run()
	server.Close()
	if initialized.dir != "" {
		_ = os.RemoveAll(initialized.dir)
	}
	os.Exit(code)
}

// newBucket returns an empty bucket, and the Store for it.
func newBucket(t *testing.T) (*s3test.Bucket, *Bucket) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}))
	if err != nil {
		t.Fatal(err)
	}
	fake := cloud.Bucket()
	return fake, OpenBucket(cfg, fake.Name)
}

func content(size int) []byte {
	out := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(out)
	return out
}

func put(t *testing.T, b *Bucket, key string, content []byte) error {
	t.Helper()
	version, err := b.Put(t.Context(), key, bytes.NewReader(content), int64(len(content)))
	if err == nil && version == "" {
		t.Error("no version")
	}
	return err
}

func TestBucketKeepsWhatItGets(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, partSize, partSize + 1, 2*partSize + 17} {
		fake, b := newBucket(t)
		text := content(size)
		if err := put(t, b, "a/b", text); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if stored, _ := fake.Object("a/b"); !bytes.Equal(stored, text) {
			t.Errorf("%d bytes: stored %d bytes", size, len(stored))
		}
		body, err := b.Get(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if err := put(t, b, "a/b", []byte("other")); err == nil || !strings.Contains(err.Error(), "PreconditionFailed") {
			t.Errorf("%d bytes were replaced: %v", size, err)
		}
		if version, err := b.Copy(t.Context(), "a/b", "copy", int64(size)); err != nil || version == "" {
			t.Errorf("copy: %v", err)
		}
		if err := b.Replace(t.Context(), "copy", strings.NewReader("new"), 3); err != nil {
			t.Errorf("replace: %v", err)
		}
		if stored, _ := fake.Object("copy"); string(stored) != "new" {
			t.Errorf("the copy is %d bytes", len(stored))
		}
		for key, want := range map[string]bool{"a/b": true, "a": false, "a/": false, "a/bc": false} {
			if got, err := b.Exists(t.Context(), key); err != nil || got != want {
				t.Errorf("%s exists: %v, %v", key, got, err)
			}
		}
	}
}

// A large copy is made in parts, with ranges that meet.
func TestLargeCopy(t *testing.T) {
	t.Parallel()
	fake, b := newBucket(t)
	var ranges []string
	fake.Put("big", nil)
	fake.Refuse(func(r *http.Request) (int, string) {
		if asked := r.Header.Get("X-Amz-Copy-Source-Range"); asked != "" {
			ranges = append(ranges, asked)
			return http.StatusBadRequest, "EntityTooLarge"
		}
		return 0, ""
	})
	_, err := b.Copy(t.Context(), "big", "copy", 2*copySize+5)
	if err == nil || len(ranges) != 1 || ranges[0] != "bytes=0-1073741823" {
		t.Errorf("%v, asked for %q", err, ranges)
	}
	if open, aborted := fake.Uploads(); open != 0 || aborted != 1 {
		t.Errorf("%d uploads are left, %d were aborted", open, aborted)
	}
}

// A part that cannot be uploaded, or an end that is refused, leaves no object and no parts.
func TestUploadFails(t *testing.T) {
	t.Parallel()
	for name, refuses := range map[string]func(r *http.Request) bool{
		"first part": func(r *http.Request) bool { return r.URL.Query().Get("partNumber") == "1" },
		"last part":  func(r *http.Request) bool { return r.URL.Query().Get("partNumber") == "3" },
		"end":        func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") },
		"begin":      func(r *http.Request) bool { return r.URL.Query().Has("uploads") },
	} {
		fake, b := newBucket(t)
		fake.Refuse(func(r *http.Request) (int, string) {
			if refuses(r) {
				return http.StatusForbidden, "AccessDenied"
			}
			return 0, ""
		})
		if err := put(t, b, "key", content(2*partSize+1)); err == nil || !strings.Contains(err.Error(), "AccessDenied") ||
			!strings.Contains(err.Error(), "upload s3://"+fake.Name+"/key") {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := fake.Object("key"); ok {
			t.Errorf("%s: there is an object", name)
		}
		if open, _ := fake.Uploads(); open != 0 {
			t.Errorf("%s: %d uploads are left", name, open)
		}
	}
}

// A failure that passes is not one.
func TestUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	fake, b := newBucket(t)
	n := 0
	fake.Refuse(func(*http.Request) (int, string) {
		if n++; n%2 == 1 {
			return http.StatusServiceUnavailable, "SlowDown"
		}
		return 0, ""
	})
	text := content(partSize + 1)
	if err := put(t, b, "key", text); err != nil {
		t.Fatal(err)
	}
	if stored, _ := fake.Object("key"); !bytes.Equal(stored, text) {
		t.Errorf("stored %d bytes", len(stored))
	}
}

// A download whose connection breaks goes on where it was, but not forever.
func TestDownloadGoesOn(t *testing.T) {
	t.Parallel()
	fake, b := newBucket(t)
	text := content(100_000)
	fake.Put("key", text)
	for breaks, works := range map[int]bool{1: true, 50: false} {
		seen := 0
		fake.Fault(func(w http.ResponseWriter, _ string, _ int) bool {
			if seen++; seen > breaks {
				return false
			}
			s3test.Truncate(w, text)
			return true
		})
		body, err := b.Get(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		_ = body.Close()
		if works && (err != nil || !bytes.Equal(got, text)) || !works && err == nil {
			t.Errorf("%d breaks: %d bytes, %v", breaks, len(got), err)
		}
	}
	fake.Fault(nil)
	if _, err := b.Get(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "get s3://"+fake.Name+"/none") {
		t.Errorf("a missing object: %v", err)
	}
}

func TestPartsFitIntoAnUpload(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{partSize + 1, 160 << 30, 500 << 30, 5 << 40} {
		each := partOf(size, partSize)
		if parts := (size + each - 1) / each; parts > maxParts || each < partSize || each%(1<<20) != 0 {
			t.Errorf("%d bytes: %d parts of %d", size, parts, each)
		}
	}
}
