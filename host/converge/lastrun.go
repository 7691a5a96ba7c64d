package converge

import (
	"errors"
	"fmt"
	"time"

	"webstack/contract"
	"webstack/host/files"
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
// if the result is the same as before.
func (r *run) remember(failure error) error {
	text, err := r.root.ReadFile(contract.LastRunPath)
	last := contract.DecodeLastRun(text)
	if err != nil && failure == nil && len(r.releases) == 0 {
		return nil // nothing to record, and nothing recorded before
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
	return err
}

func (p problem) describe() contract.Problem {
	out := contract.Problem{App: p.app, Error: p.err.Error()}
	var failed interface{ LastLines() []string }
	if errors.As(p.err, &failed) {
		out.Lines = failed.LastLines()
	}
	return out
}
