package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// However much goes wrong, the status that says so fits into a command's output.
func TestManyProblemsFit(t *testing.T) {
	t.Parallel()
	run := LastRun{FailedAt: time.Unix(1e9, 0)}
	for i := range 200 {
		p := Problem{App: fmt.Sprint("app-", i), Error: strings.Repeat(fmt.Sprint("ü", i*7919), 400)}
		for range 30 {
			p.Lines = append(p.Lines, strings.Repeat("line ", 300))
		}
		run.Problems = append(run.Problems, p)
	}
	got := DecodeLastRun(run.Encode())
	if len(got.Problems) != 200 || len(got.Problems[0].Lines) != maxProblemLines || got.Problems[199].Lines != nil {
		t.Errorf("of 200 problems with 30 lines there are %d, the first with %d lines", len(got.Problems), len(got.Problems[0].Lines))
	}
	for _, p := range got.Problems {
		if len(p.Error) > maxProblemBytes+3 || !utf8.ValidString(p.Error) {
			t.Fatalf("an error has %d bytes: %q", len(p.Error), p.Error)
		}
	}
	text := Status{Version: StatusVersion, Problems: got.Problems}.Encode()
	if len(text) > MaxOutput {
		t.Errorf("the status has %d bytes", len(text))
	}
	if DecodeLastRun([]byte("{")).Problems != nil {
		t.Error("a broken file says something")
	}
}
