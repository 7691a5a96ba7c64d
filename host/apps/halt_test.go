package apps

import (
	"net/http"
	"strings"
	"testing"
)

func TestHaltAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	for range 2 { // the second time there is nothing to stop
		if err := w.Halt(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if got := w.answering("shop"); got != "" {
			t.Errorf("%s answers for the stopped app", got)
		}
	}
	if got := w.answering("blog"); got != image("blog", "v1") {
		t.Errorf("%q answers for the other app", got)
	}
	for range 2 {
		if err := w.Resume(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if got := w.answering("shop"); got != image("shop", "v1") {
			t.Errorf("%q answers", got)
		}
	}
	for _, c := range w.engine.Containers() {
		if c.Status != "running" {
			t.Errorf("%s is %s", c.Name, c.Status)
		}
	}
}

// A converge makes a stopped app answer, too: whoever stopped it may have been killed.
func TestConvergeResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	if err := w.Halt(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	w.runs(both("v1", "v1"))
	if got := w.answering("shop"); got != image("shop", "v1") {
		t.Errorf("%q answers", got)
	}
}

func TestResumeOfAnAppThatIsNotHealthy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runs(both("v1", "v1"))
	w.Timing.Second /= 50
	w.engine.Handlers[image("shop", "v1")] = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) }
	if err := w.Halt(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := w.Resume(t.Context(), "shop"); err == nil || !strings.Contains(w.out.String(), "418") {
		t.Errorf("error %v\n%s", err, w.out.String())
	}
	if err := w.Resume(t.Context(), "wiki"); err == nil {
		t.Error("resumed an app that does not exist")
	}
	w.runs(both("v1", ""))
	if err := w.Resume(t.Context(), "shop"); err != nil {
		t.Errorf("an app without a release: %v", err)
	}
}
