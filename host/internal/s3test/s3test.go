// Package s3test is as much of S3 as the host program's tests need: objects are read, listed, written, in parts too, and
// copied, with faults made by the test.
package s3test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// Server is a fake S3 with path-style addresses. Its zero value has no buckets.
type Server struct {
	mu      sync.Mutex
	buckets map[string]*Bucket
}

// Bucket is one bucket of a Server. Tests that run in parallel use a bucket each.
type Bucket struct {
	// Name is the bucket's name.
	Name string

	mu      sync.Mutex
	objects map[string][]byte
	gets    map[string]int
	fault   func(w http.ResponseWriter, key string, n int) bool
	refuse  func(r *http.Request) (status int, code string)
	uploads map[string]*upload
	aborted int
}

// Bucket makes an empty bucket with a name of its own.
func (s *Server) Bucket() *Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = map[string]*Bucket{}
	}
	b := &Bucket{
		Name: fmt.Sprintf("test-bucket-%d", len(s.buckets)), objects: map[string][]byte{}, gets: map[string]int{},
	}
	s.buckets[b.Name] = b
	return b
}

// Put stores an object.
func (b *Bucket) Put(key string, content []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = content
}

// Delete removes an object.
func (b *Bucket) Delete(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

// Fault has f see every request, n being 1 for the first of a key. When f returns true it has answered.
func (b *Bucket) Fault(f func(w http.ResponseWriter, key string, n int) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

// Gets tells how often the object at key was asked for.
func (b *Bucket) Gets(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gets[key]
}

// ServeHTTP answers requests for /<bucket>/<key> and, to list, for /<bucket>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	b := s.buckets[name]
	s.mu.Unlock()
	if b == nil {
		Error(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	if b.write(w, r, key) {
		return
	}
	b.mu.Lock()
	b.gets[key]++
	n, fault := b.gets[key], b.fault
	b.mu.Unlock()
	// The fault may call the bucket, so it runs without the lock, and before the object is looked up.
	if fault != nil && fault(w, key, n) {
		return
	}
	b.mu.Lock()
	content, ok := b.objects[key]
	b.mu.Unlock()
	if !ok {
		Error(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etag(content))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// Error answers with an S3 error.
func Error(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

// Truncate answers with the head of content and then breaks the connection.
func Truncate(w http.ResponseWriter, content []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:len(content)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// SetEnvironment points the AWS SDK of this process at a Server and away from everything of the user's own.
func SetEnvironment(url string) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		_ = os.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"} {
		_ = os.Unsetenv(name)
	}
}
