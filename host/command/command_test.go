package command

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func sh(script string) Command { return Command{Name: "sh", Args: []string{"-c", script}} }

func TestRun(t *testing.T) {
	t.Setenv("COMMAND_TEST_KEPT", "kept")
	t.Setenv("COMMAND_TEST_GONE", "gone")
	c := sh(`read -r line; echo "$line $COMMAND_TEST_KEPT $COMMAND_TEST_SET ${COMMAND_TEST_GONE-none}"`)
	c.Stdin = strings.NewReader("from stdin\n")
	c.Env, c.Unset = []string{"COMMAND_TEST_SET=set"}, []string{"COMMAND_TEST_GONE"}
	out, err := Exec{}.Run(t.Context(), c)
	if want := "from stdin kept set none\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}

func TestRunStreams(t *testing.T) {
	t.Parallel()
	var out, messages bytes.Buffer
	c := sh("echo out; echo message >&2; exit 3")
	c.Stdout, c.Stderr = &out, &messages
	got, err := Exec{}.Run(t.Context(), c)
	if ExitCode(err) != 3 || err.Error() != "sh -c: exit code 3" {
		t.Errorf("error is %v", err)
	}
	if len(got) > 0 || out.String() != "out\n" || messages.String() != "message\n" {
		t.Errorf("returned %q, wrote %q and %q", got, out.String(), messages.String())
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := Exec{}.Run(t.Context(), sh("seq 1 5000 >&2; echo the last line >&2; exit 7"))
	if ExitCode(err) != 7 || !strings.HasSuffix(err.Error(), "the last line") || len(err.Error()) > maxMessage+100 {
		t.Errorf("code %d, error %v", ExitCode(err), err)
	}
	_, err = Exec{}.Run(t.Context(), sh("kill -9 $$"))
	if ExitCode(err) != -1 || err.Error() != "sh -c: it was killed" {
		t.Errorf("error is %v", err)
	}
	_, err = Exec{}.Run(t.Context(), Command{Name: "no-such-program"})
	if ExitCode(err) != -1 || !strings.Contains(err.Error(), "run no-such-program") {
		t.Errorf("error is %v", err)
	}
	if ExitCode(nil) != 0 {
		t.Error("success has another code than 0")
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := sh("echo ready; exec sleep 600")
	c.Stdout = writer(func() { cancel() })
	if _, err := (Exec{}).Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

type writer func()

func (w writer) Write(p []byte) (int, error) {
	w()
	return len(p), nil
}
