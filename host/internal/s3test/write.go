package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// upload is an upload in parts that has begun.
type upload struct {
	key   string
	parts map[int][]byte
}

// Refuse has f see every request that does not read an object. When it returns a status, that is the answer.
func (b *Bucket) Refuse(f func(r *http.Request) (status int, code string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = f
}

// Object returns the content of an object.
func (b *Bucket) Object(key string) (content []byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	content, ok = b.objects[key]
	return content, ok
}

// Uploads tells how many uploads in parts have not ended, and how many were aborted.
func (b *Bucket) Uploads() (open, aborted int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.uploads), b.aborted
}

func etag(content []byte) string { return fmt.Sprintf("\"%x\"", sha256.Sum256(content)) }

// write answers everything but the read of an object; false for that.
func (b *Bucket) write(w http.ResponseWriter, r *http.Request, key string) bool {
	query := r.URL.Query()
	if r.Method == http.MethodGet && key != "" {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		if status, code := b.refuse(r); status != 0 {
			_, _ = io.Copy(io.Discard, r.Body) // or the connection breaks before the answer
			Error(w, status, code)
			return true
		}
	}
	switch {
	case r.Method == http.MethodGet:
		b.list(w, query.Get("prefix"))
	case r.Method == http.MethodPost && query.Has("uploads"):
		b.begin(w, key)
	case r.Method == http.MethodPost:
		b.complete(w, r, key, query.Get("uploadId"))
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		delete(b.uploads, query.Get("uploadId"))
		b.aborted++
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		b.put(w, r, key)
	default:
		Error(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
	return true
}

func (b *Bucket) list(w http.ResponseWriter, prefix string) {
	type object struct{ Key string }
	var out struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []object
	}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		if strings.HasPrefix(key, prefix) {
			out.Contents = append(out.Contents, object{key})
		}
	}
	_ = xml.NewEncoder(w).Encode(out)
}

// body returns what a request uploads or copies. The SDK puts a checksum behind a body of one chunk or more.
func (b *Bucket) body(r *http.Request) ([]byte, bool) {
	if source := r.Header.Get("X-Amz-Copy-Source"); source != "" {
		source, _ = url.PathUnescape(source)
		_, key, _ := strings.Cut(source, "/")
		content, ok := b.objects[key]
		var from, to int
		if n, _ := fmt.Sscanf(r.Header.Get("X-Amz-Copy-Source-Range"), "bytes=%d-%d", &from, &to); n == 2 && ok {
			content = content[from : to+1]
		}
		return content, ok
	}
	text, _ := io.ReadAll(r.Body)
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return text, true
	}
	var content []byte
	for {
		line, rest, _ := bytes.Cut(text, []byte("\r\n"))
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(size), 16, 64)
		if err != nil || n == 0 || int(n) > len(rest) {
			return content, true
		}
		content, text = append(content, rest[:n]...), rest[n+2:]
	}
}

// taken answers that an object exists, if the request forbids that.
func (b *Bucket) taken(w http.ResponseWriter, r *http.Request, key string) bool {
	if _, exists := b.objects[key]; exists && r.Header.Get("If-None-Match") == "*" {
		Error(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return true
	}
	return false
}

func (b *Bucket) put(w http.ResponseWriter, r *http.Request, key string) {
	content, ok := b.body(r)
	query := r.URL.Query()
	switch u := b.uploads[query.Get("uploadId")]; {
	case !ok:
		Error(w, http.StatusNotFound, "NoSuchKey")
		return
	case u != nil:
		number, _ := strconv.Atoi(query.Get("partNumber"))
		u.parts[number] = content
	case b.taken(w, r, key):
		return
	default:
		b.objects[key] = content
		w.Header().Set("X-Amz-Version-Id", "version-of-"+etag(content)[1:9])
	}
	w.Header().Set("ETag", etag(content))
	if r.Header.Get("X-Amz-Copy-Source") != "" {
		_, _ = fmt.Fprintf(w, "<CopyResult><ETag>%s</ETag></CopyResult>", etag(content))
	}
}

func (b *Bucket) begin(w http.ResponseWriter, key string) {
	if b.uploads == nil {
		b.uploads = map[string]*upload{}
	}
	id := fmt.Sprint("upload-", len(b.uploads)+b.aborted, "-", len(b.objects))
	b.uploads[id] = &upload{key: key, parts: map[int][]byte{}}
	_, _ = fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
}

func (b *Bucket) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	u := b.uploads[id]
	if u == nil || u.key != key {
		Error(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	if b.taken(w, r, key) {
		return
	}
	var asked struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	text, _ := io.ReadAll(r.Body)
	if err := xml.Unmarshal(text, &asked); err != nil {
		Error(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	var content []byte
	for _, part := range asked.Part {
		if etag(u.parts[part.PartNumber]) != part.ETag {
			Error(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		content = append(content, u.parts[part.PartNumber]...)
	}
	delete(b.uploads, id)
	b.objects[key] = content
	w.Header().Set("X-Amz-Version-Id", "version-of-"+etag(content)[1:9])
	_, _ = fmt.Fprintf(w, "<CompleteMultipartUploadResult><ETag>%s</ETag></CompleteMultipartUploadResult>", etag(content))
}
