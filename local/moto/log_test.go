package moto

import (
	"io"
	"strings"
	"testing"
)

func TestLogHasErrorsOnly(t *testing.T) {
	t.Parallel()
	const request = `127.0.0.1 - - [24/Nov/2026 12:42:26] "POST / HTTP/1.1" `
	var out strings.Builder
	log := &errorsOnly{to: &out}
	for _, part := range []string{"Traceback\n", request, "200 -\n" + request + "500 -\n", request + "404 -\nValueError: x\n"} {
		if _, err := io.WriteString(log, part); err != nil {
			t.Fatal(err)
		}
	}
	if want := "Traceback\n" + request + "500 -\nValueError: x\n"; out.String() != want {
		t.Errorf("the log is %q, want %q", out.String(), want)
	}
}
