package operate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"webstack/contract"
)

// LogOptions say which part of a service's log to read.
type LogOptions struct {
	// Service is an app, caddy or postgres.
	Service string
	// Lines is the number of last lines to begin with, 1 to MaxLogLines.
	Lines int
	// Since leaves out older lines if it is not zero.
	Since time.Time
	// Follow keeps reading new lines until ctx ends.
	Follow bool
}

// MaxLogLines is the maximum number of lines that the host returns at once.
const MaxLogLines = 5000

// LogLine is one line.
type LogLine struct {
	// Time is when it was written; zero for a note by the host, such as that lines are missing.
	Time time.Time `json:"time,omitzero"`
	Text string    `json:"text"`
}

const (
	// overlap is how far each request reaches back before the newest line: two containers of an app write at the same
	// time, and their lines do not always arrive in the order in which they were written.
	overlap = 2 * time.Second
	// logPauseFirst and logPauseMost bound the pause between two requests, which grows while there are no new lines.
	logPauseFirst, logPauseMost = time.Second, 5 * time.Second
	// patience is how many requests in a row may fail while following.
	patience = 5
)

// Logs reads a service's log through the stack's document and passes on each line once, the oldest first.
func (s *Stack) Logs(ctx context.Context, host Host, o LogOptions, each func(LogLine) error) error {
	f := &follower{shown: map[LogLine]int{}}
	read := func() (int, error) {
		lines, err := s.readLog(ctx, host, o.Service, f.lines(o.Lines), f.since(o.Since))
		if err != nil {
			return 0, err
		}
		fresh := f.fresh(lines)
		for _, line := range fresh {
			if err := each(line); err != nil {
				return 0, err
			}
		}
		return len(fresh), nil
	}
	_, err := read()
	pause, failures := s.logPause, 0
	for err == nil && o.Follow {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		var fresh int
		fresh, err = read()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && failures < patience:
			failures, err = failures+1, nil
		case err == nil && f.full: // there are more lines: ask again at once
			pause, failures = s.poll, 0
			continue
		case err == nil && fresh > 0:
			pause, failures = s.logPause, 0
			continue
		case err == nil:
			failures = 0
		}
		pause = min(pause*3/2, logPauseMost)
	}
	return err
}

// readLog asks the host once. A zero since means everything.
func (s *Stack) readLog(ctx context.Context, host Host, service string, lines int, since time.Time) ([]LogLine, error) {
	parameters := map[string]string{"app": service, "lines": strconv.Itoa(lines)}
	if !since.IsZero() {
		parameters["since"] = since.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	result, err := s.Run(ctx, Command{Host: host.InstanceID, Document: s.Document(contract.DocLogs), Parameters: parameters})
	if err != nil {
		return nil, err
	}
	if err := result.Err(); err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", service, err)
	}
	return parseLog(result.Stdout()), nil
}

// parseLog splits the times off the lines and sorts the lines of several containers.
func parseLog(text string) []LogLine {
	var lines []LogLine
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		stamp, rest, _ := strings.Cut(line, " ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			lines = append(lines, LogLine{Time: at.UTC(), Text: rest})
		} else {
			lines = append(lines, LogLine{Text: line})
		}
	}
	slices.SortStableFunc(lines, func(a, b LogLine) int { return a.Time.Compare(b.Time) })
	return lines
}

// follower remembers which lines were passed on.
type follower struct {
	// last is the time of the newest line.
	last time.Time
	// full means that the last answer was cut off.
	full bool
	// first is the time before which lines are left out: they did not fit into the answer.
	first time.Time
	// shown counts the lines that the next answer can contain again.
	shown map[LogLine]int
}

// lines returns how many lines to ask for: first the caller's number, later the maximum.
func (f *follower) lines(first int) int {
	if f.last.IsZero() {
		return first
	}
	return MaxLogLines
}

func (f *follower) since(first time.Time) time.Time {
	switch {
	case f.last.IsZero():
		return first
	case f.full: // reaching back would leave less room for new lines
		return f.last
	}
	return f.last.Add(-overlap)
}

// leaveOut notes from which time on an answer is complete: the first answer is the end of the log, and later ones may
// be cut off, with a note.
func (f *follower) leaveOut(lines []LogLine) {
	f.full = len(lines) > 0 && lines[0].Time.IsZero()
	at := slices.IndexFunc(lines, func(line LogLine) bool { return !line.Time.IsZero() })
	if at >= 0 && (f.full || f.last.IsZero()) && lines[at].Time.After(f.first) {
		f.first = lines[at].Time
	}
}

// fresh returns the lines of an answer that were not passed on yet. It includes the note about missing lines only if
// some of the new lines are missing.
func (f *follower) fresh(lines []LogLine) []LogLine {
	var out []LogLine
	seen, before := map[LogLine]int{}, f.last
	f.leaveOut(lines)
	for _, line := range lines {
		if line.Time.IsZero() {
			if before.IsZero() || f.first.After(before) {
				out = append(out, line)
			}
			continue
		}
		if line.Time.Before(f.first) {
			continue
		}
		if seen[line]++; seen[line] > f.shown[line] {
			out = append(out, line)
		}
		if line.Time.After(f.last) {
			f.last = line.Time
		}
	}
	for line, count := range f.shown { // an answer that was cut off may lack some of them
		seen[line] = max(seen[line], count)
	}
	for line := range seen {
		if line.Time.Before(f.last.Add(-overlap)) {
			delete(seen, line)
		}
	}
	f.shown = seen
	return out
}
