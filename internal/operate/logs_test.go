package operate

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

// logHost answers the document of logs from what the test lets the app write.
type logHost struct {
	fakeAWS
	lines []string
	// before runs before each answer.
	before func(asked int)
	fail   map[int]bool
	// limit is how many lines fit into an answer; 0: all.
	limit int
}

var sinceForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,9})?Z$`)

func (h *logHost) SendCommand(
	ctx context.Context, in *ssm.SendCommandInput, options ...func(*ssm.Options),
) (*ssm.SendCommandOutput, error) {
	if h.before != nil {
		h.before(len(h.sent))
	}
	if h.fail[len(h.sent)] {
		h.sent = append(h.sent, in)
		return nil, apiError("ThrottlingException", "slow down")
	}
	var since time.Time
	if given := in.Parameters["since"]; given != nil {
		if !sinceForm.MatchString(given[0]) {
			return nil, fmt.Errorf("since %q", given[0])
		}
		since, _ = time.Parse(time.RFC3339Nano, given[0])
	}
	var text strings.Builder
	var number int
	_, _ = fmt.Sscan(in.Parameters["lines"][0], &number)
	var kept []string
	for _, line := range h.lines {
		stamp, _, _ := strings.Cut(line, " ")
		if at, _ := time.Parse(time.RFC3339Nano, stamp); !at.Before(since) {
			kept = append(kept, line)
		}
	}
	kept = kept[max(0, len(kept)-number):]
	if h.limit > 0 && len(kept) > h.limit {
		text.WriteString("(older lines left out)\n")
		kept = kept[len(kept)-h.limit:]
	}
	for _, line := range kept {
		text.WriteString(line + "\n")
	}
	h.invocations = [][]ssmtypes.CommandInvocation{invocation("Success", "Success", stepOf("logs", "Success", 0))}
	h.outputs = map[string]*ssm.GetCommandInvocationOutput{"logs": output(text.String(), "")}
	return h.fakeAWS.SendCommand(ctx, in, options...)
}

func (h *logHost) stack() *Stack {
	s := stackOn(&h.fakeAWS)
	s.ssm = h
	return s
}

func at(second int, text string) string {
	return time.Date(2026, 1, 31, 3, 0, 0, 0, time.UTC).Add(time.Duration(second)*time.Second).Format(time.RFC3339Nano) +
		" " + text
}

func TestLogs(t *testing.T) {
	t.Parallel()
	host := &logHost{lines: []string{at(1, "one"), at(3, "three"), at(2, "two of another container"), at(4, "  four")}}
	var got []string
	since := time.Date(2026, 1, 31, 3, 0, 2, 0, time.UTC)
	err := host.stack().Logs(t.Context(), Host{InstanceID: "i-1"}, LogOptions{Service: "shop", Lines: 10, Since: since},
		func(line LogLine) error {
			got = append(got, line.Text)
			return nil
		})
	if diff := cmp.Diff([]string{"two of another container", "three", "  four"}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if sent := host.sent[0]; *sent.DocumentName != "webstack-dev-logs" || sent.Parameters["app"][0] != "shop" ||
		sent.Parameters["lines"][0] != "10" {
		t.Errorf("%+v", sent)
	}
}

// Each line is handed over once, equal ones as often as they were written, whatever the times and the order in which
// they are seen.
func TestFollowedLinesComeOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	host := &logHost{lines: []string{at(1, "a"), at(2, "b"), at(2, "b")}, fail: map[int]bool{4: true}}
	host.before = func(asked int) {
		switch asked {
		case 1:
			host.lines = append(host.lines, at(2, "b"), at(3, "c"))
		case 2:
			host.lines = append(host.lines, at(2, "late, of another container"), at(4, "d"), at(4, "d"))
		case 5:
			for i := range 30 {
				host.lines = append(host.lines, at(100+i, fmt.Sprint("e", i)))
			}
		case 8:
			host.lines = nil // the container was replaced
		case 9:
			host.lines = []string{at(200, "f")}
		case 12:
			cancel()
		}
	}
	var got []string
	err := host.stack().Logs(ctx, Host{}, LogOptions{Service: "shop", Lines: 2, Follow: true}, func(line LogLine) error {
		got = append(got, line.Text)
		return nil
	})
	want := []string{"b", "b", "b", "c", "late, of another container", "d", "d"}
	for i := range 30 {
		want = append(want, fmt.Sprint("e", i))
	}
	if diff := cmp.Diff(append(want, "f"), got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestFollowingSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	host := &logHost{lines: []string{at(-1, "before"), at(0, "before"), at(1, "a")}, limit: 3}
	host.before = func(asked int) {
		switch asked {
		case 1:
			host.limit = 2 // reaches back behind the first line, and is cut off there
		case 2:
			host.limit = 3
			for i := range 5 {
				host.lines = append(host.lines, fmt.Sprintf("2026-01-31T03:00:02.%dZ b%d", i, i))
			}
		case 4: // what was left out stays so, and is told once
			host.limit = 0
		case 5:
			cancel()
		}
	}
	var got []string
	_ = host.stack().Logs(ctx, Host{}, LogOptions{Service: "shop", Lines: 1, Follow: true}, func(line LogLine) error {
		got = append(got, line.Text)
		return nil
	})
	if diff := cmp.Diff([]string{"a", "(older lines left out)", "b2", "b3", "b4"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFollowingGivesUpAtLast(t *testing.T) {
	t.Parallel()
	host := &logHost{lines: []string{at(1, "a")}, fail: map[int]bool{}}
	for i := 1; i < 20; i++ {
		host.fail[i] = true
	}
	err := host.stack().Logs(t.Context(), Host{}, LogOptions{Service: "shop", Lines: 9, Follow: true},
		func(LogLine) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "ThrottlingException") || len(host.sent) != 2+patience {
		t.Errorf("%v after %d questions", err, len(host.sent))
	}
}
