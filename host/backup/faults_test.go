package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"webstack/contract"
	"webstack/host/internal/s3test"
)

// testPart is the size of a part of an upload in these tests.
const testPart = 16 << 10

// fault is one way in which a run goes wrong.
type fault struct {
	name string
	// match chooses the requests that it hits. times is how many of them, 0 for all; skip is how many pass before.
	match       func(r *http.Request, key string) bool
	skip, times int
	act         func(p *proxy, w http.ResponseWriter, r *http.Request)
	// set, instead of match and act, arms a fault outside S3. It returns a function that reports whether it was hit.
	set func(w *faultWorld) (hit func() bool)
}

// proxy is a server in front of the S3 of the tests, which plays faults.
type proxy struct {
	bucket *s3test.Bucket

	mu     sync.Mutex
	faults []*fault
	seen   map[*fault]int
	hits   int
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if f := p.hit(r, key); f != nil {
		f.act(p, w, r)
		return
	}
	cloud.ServeHTTP(w, r)
}

// hit returns the fault that a request has, nil for none.
func (p *proxy) hit(r *http.Request, key string) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.match == nil || !f.match(r, key) {
			continue
		}
		if p.seen[f]++; p.seen[f] > f.skip && (f.times == 0 || p.seen[f] <= f.skip+f.times) {
			p.hits++
			return f
		}
	}
	return nil
}

// answer is what S3 answers.
func (p *proxy) answer(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	cloud.ServeHTTP(rec, r)
	return rec
}

// reset breaks the connection.
func reset(*proxy, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// lost has S3 do what it was asked to, and breaks the connection before the answer.
func lost(p *proxy, _ http.ResponseWriter, r *http.Request) {
	p.answer(r)
	panic(http.ErrAbortHandler)
}

func status(code int, name string) func(*proxy, http.ResponseWriter, *http.Request) {
	return func(_ *proxy, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s3test.Error(w, code, name)
	}
}

// lie reports success, and does nothing.
func lie(_ *proxy, w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("ETag", `"lie"`)
	w.Header().Set("X-Amz-Version-Id", "lie")
	name := "CopyObjectResult"
	if r.Method == http.MethodPost {
		name = "CompleteMultipartUploadResult"
	}
	if r.Method == http.MethodPost || r.Header.Get("X-Amz-Copy-Source") != "" {
		_, _ = fmt.Fprintf(w, `<%s><ETag>"lie"</ETag></%s>`, name, name)
	}
}

// spoil has S3 store an object, and changes it there.
func spoil(change func([]byte) []byte) func(*proxy, http.ResponseWriter, *http.Request) {
	return func(p *proxy, w http.ResponseWriter, r *http.Request) {
		_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		rec := p.answer(r)
		if content, ok := p.bucket.Object(key); ok {
			p.bucket.Put(key, change(bytes.Clone(content)))
		}
		copyAnswer(w, rec, rec.Body.Bytes())
	}
}

// vanish has S3 store an object, and removes it.
func vanish(p *proxy, w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	rec := p.answer(r)
	p.bucket.Delete(key)
	copyAnswer(w, rec, rec.Body.Bytes())
}

// changed changes what is downloaded; S3 keeps it as it is.
func changed(change func([]byte) []byte) func(*proxy, http.ResponseWriter, *http.Request) {
	return func(p *proxy, w http.ResponseWriter, r *http.Request) {
		rec := p.answer(r)
		copyAnswer(w, rec, change(rec.Body.Bytes()))
	}
}

// declared answers with another length than that of the content.
func declared(more int) func(*proxy, http.ResponseWriter, *http.Request) {
	return func(p *proxy, w http.ResponseWriter, r *http.Request) {
		rec := p.answer(r)
		body := rec.Body.Bytes()
		w.Header().Set("Content-Length", fmt.Sprint(max(0, len(body)+more)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:min(len(body), max(0, len(body)+more))])
	}
}

func copyAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder, body []byte) {
	for name, values := range rec.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

// broken answers with half of the content, and breaks the connection.
func broken(p *proxy, w http.ResponseWriter, r *http.Request) {
	s3test.Truncate(w, p.answer(r).Body.Bytes())
}

// checksum answers with the checksum of something else.
func checksum(p *proxy, w http.ResponseWriter, r *http.Request) {
	rec := p.answer(r)
	sum := crc32.ChecksumIEEE([]byte("something else"))
	w.Header().Set("X-Amz-Checksum-Crc32", encodeSum(sum))
	w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	copyAnswer(w, rec, rec.Body.Bytes())
}

// hang neither reads nor answers until the client gives up.
func hang(_ *proxy, _ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server sees that the client has gone only then
	select {
	case <-r.Context().Done():
	case <-time.After(time.Minute):
	}
	panic(http.ErrAbortHandler)
}

// stale lists nothing.
func stale(_ *proxy, w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "<ListBucketResult></ListBucketResult>")
}

// twice lists everything twice.
func twice(p *proxy, w http.ResponseWriter, r *http.Request) {
	text := p.answer(r).Body.String()
	from, to := strings.Index(text, "<Contents>"), strings.LastIndex(text, "</ListBucketResult>")
	if from >= 0 {
		text = text[:to] + text[from:]
	}
	_, _ = io.WriteString(w, text)
}

// redirect sends the client to nowhere.
func redirect(_ *proxy, w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Location", "/elsewhere")
	s3test.Error(w, http.StatusMovedPermanently, "PermanentRedirect")
}

// at matches requests for an object.
func at(method, end string, query ...string) func(*http.Request, string) bool {
	return func(r *http.Request, key string) bool {
		for _, name := range query {
			if !r.URL.Query().Has(name) {
				return false
			}
		}
		return r.Method == method && strings.HasSuffix(key, end)
	}
}

func flip(percent int) func([]byte) []byte {
	return func(b []byte) []byte {
		if len(b) > 0 {
			b[min(len(b)-1, len(b)*percent/100)] ^= 1
		}
		return b
	}
}

func cut(percent int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:len(b)*percent/100] }
}

// s3Faults are those of the bucket, each for an object that it makes sense for.
func s3Faults() []*fault {
	type action = func(*proxy, http.ResponseWriter, *http.Request)
	var all []*fault
	add := func(name string, match func(*http.Request, string) bool, times int, act action) {
		all = append(all, &fault{name: name, match: match, times: times, act: act})
	}
	dump, manifest, globals := "/shop/data.dump", "/shop/manifest.json", "/globals.sql"
	for object, end := range map[string]string{"dump": dump, "manifest": manifest, "roles": globals} {
		put, get := at(http.MethodPut, end), at(http.MethodGet, end)
		add(object+": upload reset", put, 0, reset)
		add(object+": upload reset once", put, 1, reset)
		add(object+": answer to the upload lost", put, 1, lost)
		add(object+": every answer to an upload lost", put, 0, lost)
		add(object+": expired token", put, 0, status(http.StatusForbidden, "ExpiredToken"))
		add(object+": access denied", put, 0, status(http.StatusForbidden, "AccessDenied"))
		add(object+": 500", put, 0, status(http.StatusInternalServerError, "InternalError"))
		add(object+": 503 once", put, 1, status(http.StatusServiceUnavailable, "SlowDown"))
		add(object+": clock skew", put, 0, status(http.StatusForbidden, "RequestTimeTooSkewed"))
		add(object+": bad digest", put, 0, status(http.StatusBadRequest, "BadDigest"))
		add(object+": exists, but does not", put, 0, status(http.StatusPreconditionFailed, "PreconditionFailed"))
		add(object+": redirect", put, 0, redirect)
		add(object+": success, but missing", put, 0, lie)
		add(object+": upload hangs", put, 1, hang)
		add(object+": removed once it is there", put, 0, vanish)
		add(object+": stored cut", put, 0, spoil(cut(50)))
		add(object+": stored empty", put, 0, spoil(cut(0)))
		for _, percent := range []int{0, 30, 60, 100} {
			add(fmt.Sprintf("%s: stored with a bit flipped at %d %%", object, percent), put, 0, spoil(flip(percent)))
			add(fmt.Sprintf("%s: downloaded with a bit flipped at %d %%", object, percent), get, 0, changed(flip(percent)))
		}
		add(object+": download reset", get, 0, reset)
		add(object+": download broken", get, 0, broken)
		add(object+": download broken once", get, 1, broken)
		add(object+": download cut short", get, 0, changed(cut(90)))
		add(object+": a shorter length", get, 0, declared(-1))
		add(object+": a longer length", get, 0, declared(1))
		add(object+": another checksum", get, 0, checksum)
		add(object+": download hangs", get, 1, hang)
		add(object+": download denied", get, 0, status(http.StatusForbidden, "AccessDenied"))
		add(object+": gone when it is read", get, 0, status(http.StatusNotFound, "NoSuchKey"))
	}
	part, end := at(http.MethodPut, dump, "partNumber"), at(http.MethodPost, dump, "uploadId")
	for n, which := range []string{"first", "second", "last"} {
		all = append(all, &fault{name: which + " part refused", match: part, skip: n, act: status(http.StatusForbidden, "AccessDenied")},
			&fault{name: which + " part reset once", match: part, skip: n, times: 1, act: reset})
	}
	add("part stored elsewhere", part, 0, lie)
	add("upload does not begin", at(http.MethodPost, dump, "uploads"), 0, status(http.StatusServiceUnavailable, "SlowDown"))
	add("end of the upload refused", end, 0, status(http.StatusForbidden, "AccessDenied"))
	add("200 with an error at the end of the upload", end, 0, status(http.StatusOK, "InternalError"))
	add("200 with an error once", end, 1, status(http.StatusOK, "InternalError"))
	add("end of the upload reset", end, 0, reset)
	add("answer to the end of the upload lost", end, 1, lost)
	add("end of the upload is a lie", end, 0, lie)
	add("dump cut at the end of the upload", end, 0, spoil(cut(99)))
	add("dump flipped at the end of the upload", end, 0, spoil(flip(40)))
	add("dump removed at the end of the upload", end, 0, vanish)
	list := at(http.MethodGet, "", "list-type")
	add("list empty", list, 0, stale)
	add("list double", list, 0, twice)
	add("list refused", list, 0, status(http.StatusForbidden, "AccessDenied"))
	add("list reset once", list, 1, reset)
	everything := func(*http.Request, string) bool { return true }
	add("no connection", everything, 0, reset)
	add("token expires", everything, 0, status(http.StatusForbidden, "ExpiredToken"))
	return all
}

// hostFaults are those of the host and its programs.
func hostFaults() []*fault {
	var all []*fault
	add := func(name string, set func(w *faultWorld) func() bool) {
		all = append(all, &fault{name: name, set: set})
	}
	dumps := func(name string, change func([]byte) []byte, err error) {
		add(name, func(w *faultWorld) func() bool {
			hit := false
			w.pg.dumps = func(database string, dump []byte) ([]byte, error) {
				if database != shop {
					return dump, nil
				}
				hit = true
				return change(dump), err
			}
			return func() bool { return hit }
		})
	}
	killed := exit("pg_dump", "signal: killed")
	for _, percent := range []int{0, 1, 50, 99} {
		dumps(fmt.Sprintf("pg_dump killed at %d %%", percent), cut(percent), killed)
		dumps(fmt.Sprintf("pg_dump ends at %d %% and says nothing", percent), cut(percent), nil)
	}
	dumps("table dropped meanwhile", cut(20), exit("pg_dump", `relation "items" does not exist`))
	dumps("another row dumped", func(b []byte) []byte { return bytes.Replace(b, []byte("shop 7"), []byte("shop 8"), 1) }, nil)
	dumps("disk full", cut(30), errors.New("no space left on device"))
	for _, program := range []string{"psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_amcheck", "inspect", "run", "rm"} {
		add(program+" is missing", func(w *faultWorld) func() bool {
			hit := false
			w.pg.step = func(_ int, what string) error {
				if what != program && !strings.HasPrefix(what, program+" ") {
					return nil
				}
				hit = true
				return exit(program, "executable file not found in $PATH")
			}
			return func() bool { return hit }
		})
	}
	add("the comparison accepts everything", func(w *faultWorld) func() bool {
		w.pg.blind = true
		return func() bool { return true }
	})
	add("the volume is full", func(w *faultWorld) func() bool {
		w.free.Store(1 << 20)
		return func() bool { return true }
	})
	add("the bucket refuses connections", func(w *faultWorld) func() bool {
		w.refused = true
		return func() bool { return true }
	})
	return all
}

// atStep makes something happen before the nth program.
func atStep(n int, name string, do func(w *faultWorld, stop context.CancelFunc) error) *fault {
	return &fault{name: fmt.Sprintf("%s at step %d", name, n), set: func(w *faultWorld) func() bool {
		hit := false
		w.pg.step = func(i int, _ string) error {
			if i < n {
				return nil
			}
			hit = true
			return do(w, w.stop)
		}
		return func() bool { return hit }
	}}
}

// stepFaults are those that can happen before any program.
func stepFaults(n int) []*fault {
	return []*fault{
		atStep(n, "SIGTERM", func(_ *faultWorld, stop context.CancelFunc) error { stop(); return nil }),
		atStep(n, "SIGKILL", func(_ *faultWorld, stop context.CancelFunc) error { stop(); return errKilled }),
		atStep(n, "the throwaway server is killed", func(w *faultWorld, _ context.CancelFunc) error {
			w.pg.mu.Lock()
			defer w.pg.mu.Unlock()
			delete(w.pg.servers, contract.BackupVerifyContainer)
			return nil
		}),
	}
}
