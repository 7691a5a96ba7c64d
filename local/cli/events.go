package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"webstack/internal/command"
	"webstack/internal/preview"
)

// shownAtOnce is how many unfinished resources a status line names.
const shownAtOnce = 3

// opWords say what was done to a resource. Operations that are not listed change nothing that matters to a user.
var opWords = map[apitype.OpType]string{
	apitype.OpCreate:            "+ created",
	apitype.OpCreateReplacement: "+ created",
	apitype.OpUpdate:            "~ updated",
	apitype.OpReplace:           "± replaced",
	apitype.OpDelete:            "- deleted",
	apitype.OpDeleteReplaced:    "- deleted",
	apitype.OpImport:            "= imported",
	apitype.OpImportReplacement: "= imported",
}

// watcher shows the events of an engine run: a line for each finished resource, and on a terminal also what is in
// progress.
type watcher struct {
	progress *command.Progress
	title    string
	begun    time.Time
	mu       sync.Mutex
	started  map[string]time.Time // by URN
	done     int
}

// watch shows a run until the returned function is called.
func watch(p *command.Progress, title string) (*watcher, func()) {
	w := &watcher{progress: p, title: title, begun: time.Now(), started: map[string]time.Time{}}
	p.Show(title + " …")
	if !p.Live() {
		p.Say("%s …", title)
	}
	stop := p.Every(w.tick)
	return w, func() {
		stop()
		p.Show("")
	}
}

func (w *watcher) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	elapsed := time.Since(w.begun).Round(time.Second)
	if !w.progress.Live() {
		w.progress.Say("  still running after %s: %d done, %d in progress", elapsed, w.done, len(w.started))
		return
	}
	var names []string
	for urn := range w.started {
		names = append(names, resource.URN(urn).Name())
	}
	slices.Sort(names)
	if more := len(names) - shownAtOnce; more > 0 {
		names = append(names[:shownAtOnce], fmt.Sprintf("and %d more", more))
	}
	w.progress.Show(fmt.Sprintf("%s … %s, %d done  %s", w.title, elapsed, w.done, strings.Join(names, ", ")))
}

func (w *watcher) event(event events.EngineEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case event.ResourcePreEvent != nil:
		w.started[event.ResourcePreEvent.Metadata.URN] = time.Now()
	case event.ResOutputsEvent != nil:
		w.finished(event.ResOutputsEvent.Metadata, opWords[event.ResOutputsEvent.Metadata.Op])
	case event.ResOpFailedEvent != nil:
		w.finished(event.ResOpFailedEvent.Metadata, "! failed")
	case event.DiagnosticEvent != nil && !event.DiagnosticEvent.Ephemeral:
		w.message(event.DiagnosticEvent)
	}
}

// message shows a message of the program or a provider. Errors are shown at the end of the run.
func (w *watcher) message(d *apitype.DiagnosticEvent) {
	text := strings.TrimSpace(colors.Never.Colorize(d.Message))
	switch d.Severity {
	case "warning":
		w.progress.Say("  warning: %s", text)
	case "info", "info#err":
		w.progress.Say("  %s", text)
	}
}

func (w *watcher) finished(step apitype.StepEventMetadata, word string) {
	begun, known := w.started[step.URN]
	delete(w.started, step.URN)
	if word == "" {
		return
	}
	w.done++
	took := ""
	if known {
		took = fmt.Sprintf("%5.1f s", time.Since(begun).Seconds())
	}
	w.progress.Say("  %-11s%-42s %-36s%s", word, preview.ShortType(step.Type), resource.URN(step.URN).Name(), took)
}
