package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"webstack/config"
	"webstack/internal/printable"
)

// Outcome is how a check went.
type Outcome string

// The outcomes of a check.
const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	// Later is something that is to come by itself, such as the first backup of a new stack.
	Later Outcome = "later"
	// Warn is something that works, and will not for long.
	Warn Outcome = "warn"
)

// Row is one thing that was looked at. The JSON form is stable: fields are added, never renamed or removed.
type Row struct {
	// Phase is the roadmap's, 1 to 9.
	Phase int `json:"phase"`
	// Check names the check, such as network.subnets; it stays the same in all versions.
	Check string `json:"check"`
	// Subject is what of several was looked at, such as an app or a domain; "" when there is one only.
	Subject string `json:"subject,omitempty"`
	// Looked says what was looked at, Found what was found there.
	Looked  string  `json:"looked"`
	Found   string  `json:"found"`
	Outcome Outcome `json:"outcome"`
	// Do says what to do about a failure or warning, "" otherwise.
	Do string `json:"do,omitempty"`
}

// PhaseTitles are the titles of the roadmap's phases; there is nothing to verify in phase 0.
var PhaseTitles = map[int]string{
	1: "Network", 2: "Compute host", 3: "Systems Manager and Docker", 4: "Postgres", 5: "Apps, Compose and Caddy",
	6: "Backups", 7: "DNS", 8: "Registry and deploys", 9: "Protection",
}

// check looks at one kind of thing.
type check struct {
	phase        int
	name, looked string
	// do is what to do when the check cannot look; "" where the error itself says so.
	do string
	// when tells whether there is anything to look at; nil: always.
	when func(*config.Config) bool
	run  func(ctx context.Context, w *world) ([]finding, error)
}

// finding is what a check found out about one subject.
type finding struct {
	subject, found string
	outcome        Outcome
	do             string
}

func passed(subject, format string, args ...any) finding {
	return finding{subject: subject, found: fmt.Sprintf(format, args...), outcome: Pass}
}

func failed(subject, do, format string, args ...any) finding {
	return finding{subject: subject, found: fmt.Sprintf(format, args...), outcome: Fail, do: do}
}

func warned(subject, do, format string, args ...any) finding {
	return finding{subject: subject, found: fmt.Sprintf(format, args...), outcome: Warn, do: do}
}

// atOnce is how many checks run at the same time. AWS refuses callers that ask too much at once.
const atOnce = 8

// Run runs all checks that the stack's config asks for and returns their rows in the order of the roadmap. Progress,
// where not nil, is told how many checks are done. A check that cannot look is a failed one.
func Run(ctx context.Context, o Options, progress func(done, all int)) ([]Row, error) {
	return run(ctx, newWorld(o), checks, progress)
}

func run(ctx context.Context, w *world, checks []check, progress func(done, all int)) ([]Row, error) {
	var asked []check
	for _, c := range checks {
		if c.when == nil || c.when(w.config) {
			asked = append(asked, c)
		}
	}
	rows := make([][]Row, len(asked))
	slots := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i, c := range asked {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			rows[i] = c.rows(ctx, w)
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(done, len(asked))
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("verify the stack: %w", ctx.Err())
	}
	var all []Row
	for _, some := range rows {
		all = append(all, some...)
	}
	return all, nil
}

func (c check) rows(ctx context.Context, w *world) []Row {
	found, err := c.run(ctx, w)
	if err != nil {
		found = append(found, c.unable(err))
	}
	rows := make([]Row, 0, len(found))
	for _, f := range found {
		rows = append(rows, Row{
			// What hosts, apps and name servers say may hold line ends, which would look like rows of their own.
			Phase: c.phase, Check: c.name, Subject: printable.Line(f.subject), Looked: c.looked, Found: printable.Line(f.found),
			Outcome: f.outcome, Do: printable.Line(f.do),
		})
	}
	return rows
}

// unable is the finding of a check that could not look. What keeps it from looking is told once, where it is the finding
// of another check.
func (c check) unable(err error) finding {
	var first *dependsOn
	if errors.As(err, &first) && first.check != c.name {
		return failed("", "see there first", "cannot be looked at, because of: %s", lookedBy(first.check))
	}
	return failed("", c.remedy(), "%v", err)
}

// lookedBy says what the check of that name looks at; checks are known to readers by that.
func lookedBy(name string) string {
	for _, c := range checks {
		if c.name == name {
			return c.looked
		}
	}
	return name
}

// remedy is what to do about a check that failed as a whole.
func (c check) remedy() string {
	if c.do != "" {
		return c.do
	}
	return "fix that, then verify again"
}

// dependsOn is an error that another check reports as its own.
type dependsOn struct {
	check string
	err   error
}

func (d *dependsOn) Error() string { return d.err.Error() }

func (d *dependsOn) Unwrap() error { return d.err }

// checks are all checks, in the order of the roadmap.
var checks = slices.Concat(networkChecks, hostChecks, systemChecks, postgresChecks, appChecks, webChecks, backupChecks,
	dnsChecks, registryChecks, protectionChecks)
