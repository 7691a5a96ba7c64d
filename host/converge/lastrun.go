package converge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"webstack/contract"
	"webstack/host/files"
	"webstack/internal/printable"
)

// problem is a problem with an app, or with the host if app is "".
type problem struct {
	app string
	err error
}

// failure returns the error of a run with problems, nil without problems.
func (r *run) failure() error {
	var all []error
	for _, p := range r.problems {
		if p.app != "" {
			p.err = fmt.Errorf("app %s: %w", p.app, p.err)
		}
		all = append(all, p.err)
	}
	return errors.Join(all...)
}

// remember writes the wanted releases, and why the run failed, for the status of the host. It does not change the file
// if the result is the same as before. It returns what is new since the last run.
func (r *run) remember(failure error) (news, error) {
	text, err := r.root.ReadFile(contract.LastRunPath)
	last := contract.DecodeLastRun(text)
	if err != nil && failure == nil && len(r.releases) == 0 {
		return news{}, nil // nothing to record, and nothing recorded before
	}
	next := contract.LastRun{Releases: r.releases}
	if r.releases == nil {
		next.Releases = last.Releases
	}
	if failure != nil {
		next.FailedAt = time.Now().UTC().Truncate(time.Second)
		problems := r.problems
		if len(problems) == 0 {
			problems = []problem{{err: failure}}
		}
		for _, p := range problems {
			next.Problems = append(next.Problems, p.describe())
		}
	}
	_, err = files.Write(r.root, contract.LastRunPath, next.Encode(), 0o644)
	return newsSince(last, next), err
}

// news is what people do not know from the last run.
type news struct {
	problems []contract.Problem
	healed   bool // the last run had problems, this one has none
}

// newsSince returns the problems of apps, and of the host, that had none in the last run. The text of a problem may differ
// from run to run.
func newsSince(last, next contract.LastRun) (n news) {
	n.healed = len(last.Problems) > 0 && len(next.Problems) == 0
	for _, p := range next.Problems {
		if !slices.ContainsFunc(last.Problems, func(old contract.Problem) bool { return old.App == p.App }) {
			n.problems = append(n.problems, p)
		}
	}
	return n
}

func (r *run) tell(ctx context.Context, n news) {
	if r.Host.Tell == nil || !n.healed && len(n.problems) == 0 {
		return
	}
	m := r.manifest
	if m.Version == 0 { // this run did not get as far as reading its own
		text, err := r.root.ReadFile(contract.ManifestPath)
		if err != nil {
			return
		}
		if m, err = contract.DecodeManifest(text); err != nil {
			return
		}
	}
	var reasons []string
	for _, p := range n.problems {
		reason := printable.OneLine(errors.New(p.Error))
		if p.App != "" {
			reason = "app " + p.App + ": " + reason
		}
		reasons = append(reasons, reason)
	}
	r.Host.Tell(ctx, m, strings.Join(reasons, "\n"))
}

func (p problem) describe() contract.Problem {
	out := contract.Problem{App: p.app, Error: p.err.Error()}
	var failed interface{ LastLines() []string }
	if errors.As(p.err, &failed) {
		out.Lines = failed.LastLines()
	}
	return out
}
