package parameters

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/host/internal/s3test"
	"webstack/host/internal/ssmtest"
)

// open is a store of the test's own.
func open(t *testing.T) (*Store, *ssmtest.Server) {
	t.Helper()
	fake := &ssmtest.Server{}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	s3test.SetEnvironment(server.URL)
	store, err := Open(t.Context(), "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	return store, fake
}

func TestMain(m *testing.M) {
	// No test may find anything of the user's own.
	s3test.SetEnvironment("http://127.0.0.1:1")
	os.Exit(m.Run())
}

func TestByPathReadsAllPages(t *testing.T) {
	store, fake := open(t)
	want := map[string]string{}
	for i := range 203 {
		name := fmt.Sprintf("/webstack/dev/apps/app%03d/env/KEY", i)
		want[name] = fmt.Sprint("value ", i)
		fake.Put(name, want[name])
	}
	fake.Put("/webstack/dev2/postgres/password", "of another stack")
	var requests atomic.Int32
	fake.Fault(func(http.ResponseWriter, ssmtest.Request) bool { requests.Add(1); return false })
	got, err := store.ByPath(t.Context(), "/webstack/dev")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v:\n%s", err, diff)
	}
	if n := requests.Load(); n != 21 {
		t.Errorf("%d requests", n)
	}
}

func TestThrottlingIsWaitedFor(t *testing.T) {
	store, fake := open(t)
	fake.Put("/webstack/dev/x", "value")
	for _, code := range []string{"ThrottlingException", "InternalServerError"} {
		var n atomic.Int32
		fake.Fault(func(w http.ResponseWriter, _ ssmtest.Request) bool {
			if n.Add(1) > 2 {
				return false
			}
			status := http.StatusBadRequest
			if code == "InternalServerError" {
				status = http.StatusInternalServerError
			}
			ssmtest.Error(w, status, code)
			return true
		})
		if got, err := store.ByPath(t.Context(), "/webstack/dev"); err != nil || len(got) != 1 {
			t.Errorf("%s: got %v, %v", code, got, err)
		}
	}
}

func TestByName(t *testing.T) {
	store, fake := open(t)
	var names []string
	want := map[string]string{}
	for i := range 25 {
		name := fmt.Sprintf("/app%02d/ssl/cert", i)
		names = append(names, name)
		if i%2 == 0 {
			fake.Put(name, "value of "+name)
			want[name] = "value of " + name
		}
	}
	var asked []int
	fake.Fault(func(_ http.ResponseWriter, r ssmtest.Request) bool { asked = append(asked, len(r.Names)); return false })
	found, failed, err := store.ByName(t.Context(), names)
	if diff := cmp.Diff(want, found); err != nil || len(failed) > 0 || diff != "" {
		t.Errorf("%v, %v:\n%s", err, failed, diff)
	}
	if !slices.Equal(asked, []int{10, 10, 5}) {
		t.Errorf("asked for %v", asked)
	}
	// One that is encrypted with a key that the host may not use.
	delete(want, "/app12/ssl/cert")
	fake.Refuse("/app12/ssl/cert", "AccessDeniedException")
	found, failed, err = store.ByName(t.Context(), names)
	if diff := cmp.Diff(want, found); err != nil || diff != "" {
		t.Errorf("%v:\n%s", err, diff)
	}
	if e := failed["/app12/ssl/cert"]; len(failed) != 1 || e == nil || !strings.Contains(e.Error(), "AccessDenied") {
		t.Errorf("failed: %v", failed)
	}
	if found, failed, err := store.ByName(t.Context(), nil); len(found)+len(failed) > 0 || err != nil {
		t.Errorf("nothing: %v, %v, %v", found, failed, err)
	}
}

func TestWhatConcernsAllIsAnError(t *testing.T) {
	store, fake := open(t)
	fake.Put("/webstack/dev/x", "canary")
	fake.Fault(func(w http.ResponseWriter, _ ssmtest.Request) bool {
		ssmtest.Error(w, http.StatusBadRequest, "ExpiredTokenException")
		return true
	})
	if _, _, err := store.ByName(t.Context(), []string{"/webstack/dev/x"}); err == nil ||
		!strings.Contains(err.Error(), "ExpiredToken") {
		t.Errorf("error is %v", err)
	}
	if _, err := store.ByPath(t.Context(), "/webstack/dev"); err == nil || !strings.Contains(err.Error(), "/webstack/dev") {
		t.Errorf("error is %v", err)
	}
	// The first request is refused for one of its parameters, and then the service is gone.
	var n atomic.Int32
	fake.Fault(func(w http.ResponseWriter, _ ssmtest.Request) bool {
		code := "AccessDeniedException"
		if n.Add(1) > 1 {
			code = "UnrecognizedClientException"
		}
		ssmtest.Error(w, http.StatusBadRequest, code)
		return true
	})
	if _, _, err := store.ByName(t.Context(), []string{"/webstack/dev/x"}); err == nil ||
		!strings.Contains(err.Error(), "UnrecognizedClient") {
		t.Errorf("error is %v", err)
	}
}
