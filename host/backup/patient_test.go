package backup

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"
)

// When only the answer to an upload is lost, or a connection is silent, the upload is sent again and succeeds. What another
// has written meanwhile is not taken for it.
func TestUploadWithoutAnswer(t *testing.T) {
	t.Parallel()
	text := content(testPart / 2)
	for name, c := range map[string]struct {
		act   func(*proxy, http.ResponseWriter, *http.Request)
		works bool
	}{
		"lost": {lost, true}, "silent": {hang, true}, "written by another": {func(p *proxy, _ http.ResponseWriter, _ *http.Request) {
			p.bucket.Put("key", []byte("other"))
			panic(http.ErrAbortHandler)
		}, false},
	} {
		w := newFaultWorld(t, t.TempDir())
		w.arm(&fault{name: name, match: at(http.MethodPut, "key"), times: 1, act: c.act})
		store, err := w.options().Store(t.Context(), "eu-central-1")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err = store.Put(ctx, "key", bytes.NewReader(text), int64(len(text)))
		cancel()
		if stored, _ := w.proxy.bucket.Object("key"); (err == nil) != c.works || bytes.Equal(stored, text) != c.works {
			t.Errorf("%s: %v, stored %d bytes", name, err, len(stored))
		}
		w.server.Close()
	}
}
