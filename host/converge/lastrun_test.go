package converge

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// People hear of each problem once, and once that there are none any more.
func TestPeopleAreToldWhatIsNew(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	fail := func(host error, apps map[string]error) {
		b.host.broken, b.host.fail = apps, map[string]error{"base": host}
		if _, err := b.run(t); (err != nil) != (host != nil || len(apps) > 0) {
			t.Errorf("got error %v", err)
		}
	}
	fail(nil, nil)
	fail(nil, map[string]error{"shop": errors.New("it ended\nwith code 3")})
	fail(nil, map[string]error{"shop": errors.New("it ended with code 4")})
	fail(nil, map[string]error{"shop": errors.New("it ended"), "blog": errors.New("no image")})
	fail(nil, map[string]error{"blog": errors.New("no image")})
	fail(nil, nil)
	fail(nil, nil)
	fail(errors.New("no Docker"), nil)
	fail(errors.New("no Docker"), nil)
	fail(nil, nil)
	want := []string{
		"webstack/test: app shop: it ended; with code 3", "webstack/test: app blog: no image", "webstack/test: ",
		"webstack/test: no Docker", "webstack/test: ",
	}
	if diff := cmp.Diff(want, b.host.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A host that fails before it could apply anything says so, too.
func TestPeopleAreToldOfAFailedFirstRun(t *testing.T) {
	t.Parallel()
	b := publishApps(t)
	file := b.manifest.Files[0].Key()
	b.bucket.Delete(file)
	if _, err := b.run(t); err == nil || len(b.host.told) != 1 || !strings.Contains(b.host.told[0], file) {
		t.Errorf("error %v, told %q", err, b.host.told)
	}
}
