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

// Outcome is the result of a check.
type Outcome string

// The outcomes of a check.
const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	// Later is something that will happen on its own, such as the first backup of a new stack.
	Later Outcome = "later"
	// Warn is something that works, but not for long.
	Warn Outcome = "warn"
)

// Row is one thing that was checked. The JSON form is stable: fields are added, never renamed or removed.
type Row struct {
	// Phase is the phase of the check, 1 to 9.
	Phase int `json:"phase"`
	// Check is the name of the check, such as network.subnets. It never changes.
	Check string `json:"check"`
	// Subject is which of several things was checked, such as an app or a domain; "" if there is only one.
	Subject string `json:"subject,omitempty"`
	// Looked says what was checked, Found what was found.
	Looked  string  `json:"looked"`
	Found   string  `json:"found"`
	Outcome Outcome `json:"outcome"`
	// Do says how to fix a failure or warning. It is "" for other outcomes.
	Do string `json:"do,omitempty"`
}

// PhaseTitles are the titles of the phases.
var PhaseTitles = map[int]string{
	1: "Network", 2: "Compute host", 3: "Systems Manager and Docker", 4: "Postgres", 5: "Apps, Compose and Caddy",
	6: "Backups", 7: "DNS", 8: "Registry and deploys", 9: "Protection",
}

// check checks one kind of thing.
type check struct {
	phase        int
	name, looked string
	// do says what to do if the check cannot run; "" if the error itself says it.
	do string
	// when reports whether there is anything to check; nil means always.
	when func(*config.Config) bool
	run  func(ctx context.Context, w *world) ([]finding, error)
}

// finding is the result of a check for one subject.
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

// atOnce is how many checks run at the same time. AWS throttles clients that send too many requests at once.
const atOnce = 8

// Run runs all checks that apply to the stack's config and returns their rows in the order of the phases. Progress, if
// not nil, gets the number of finished checks. A check that cannot run counts as failed.
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
			// Texts from hosts, apps and name servers may contain line ends, which would look like separate rows.
			Phase: c.phase, Check: c.name, Subject: printable.Line(f.subject), Looked: c.looked, Found: printable.Line(f.found),
			Outcome: f.outcome, Do: printable.Line(f.do),
		})
	}
	return rows
}

// unable is the finding of a check that could not run. If the cause is the finding of another check, it refers to that
// check instead of repeating it.
func (c check) unable(err error) finding {
	var first *dependsOn
	if errors.As(err, &first) && first.check != c.name {
		return failed("", "see there first", "cannot be checked because of: %s", lookedBy(first.check))
	}
	return failed("", c.remedy(), "%v", err)
}

// lookedBy says what the check with that name checks, which is how readers know the checks.
func lookedBy(name string) string {
	for _, c := range checks {
		if c.name == name {
			return c.looked
		}
	}
	return name
}

// remedy says what to do about a check that could not run.
func (c check) remedy() string {
	if c.do != "" {
		return c.do
	}
	return "fix it and run verify again"
}

// dependsOn is an error that another check reports.
type dependsOn struct {
	check string
	err   error
}

func (d *dependsOn) Error() string { return d.err.Error() }

func (d *dependsOn) Unwrap() error { return d.err }

// checks are all checks, in the order of the phases.
var checks = slices.Concat(networkChecks, hostChecks, systemChecks, postgresChecks, appChecks, webChecks, backupChecks,
	dnsChecks, registryChecks, deployChecks, protectionChecks)
