package converge

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"webstack/contract"
)

// failedStart is the error of a container that did not start.
type failedStart struct{ error }

func (failedStart) LastLines() []string { return []string{"no such database"} }

func (b *bundle) lastRun(t *testing.T) (contract.LastRun, string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, contract.LastRunPath))
	if err != nil {
		t.Fatal(err)
	}
	return contract.DecodeLastRun(text), string(text)
}

// What a run was to bring about and why it failed can be read afterwards, until one succeeds.
func TestLastRun(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	releases := map[string]string{"shop": "v1"}
	expect := func(what string, problems ...contract.Problem) string {
		t.Helper()
		got, text := b.lastRun(t)
		want := contract.LastRun{Releases: releases, Problems: problems}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(contract.LastRun{}, "FailedAt")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		if failed := time.Since(got.FailedAt) < time.Hour; failed != (len(problems) > 0) {
			t.Errorf("%s: it failed at %v", what, got.FailedAt)
		}
		return text
	}
	b.mustRun(t)
	before := expect("a first run")
	b.mustRun(t)
	if again := expect("a second run"); again != before {
		t.Errorf("a run like the one before wrote\n%s", again)
	}
	b.host.broken = map[string]error{"shop": failedStart{errors.New("it ended")}}
	delete(b.host.parameters, "/webstack/test/apps/blog/database-password")
	if _, err := b.run(t); err == nil {
		t.Fatal("got no error")
	}
	expect("apps that failed",
		contract.Problem{App: "blog", Error: "read parameter /webstack/test/apps/blog/database-password: it does not exist; run pulumi up --refresh, which creates it"},
		contract.Problem{App: "shop", Error: "it ended", Lines: []string{"no such database"}})
	b.host.fail = map[string]error{"mount": errors.New("no volume")}
	if _, err := b.run(t); err == nil {
		t.Fatal("got no error")
	}
	expect("a run that got nowhere", contract.Problem{Error: "no volume"})
	b.host.fail, b.host.broken, b.host.parameters = nil, nil, twoApps()
	b.mustRun(t)
	expect("a run that went well")
}
