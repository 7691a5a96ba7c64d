package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"webstack/internal/command"
)

// terminal opens a terminal: keys are typed into the first file, and a program reads the second.
func terminal(t *testing.T) (keys, screen *os.File) {
	t.Helper()
	keys, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	if err := unix.IoctlSetPointerInt(int(keys.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(keys.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keys, screen
}

func TestAnInterruptedQuestionWritesNothing(t *testing.T) {
	t.Parallel()
	_, screen := terminal(t)
	ctx, interrupt := context.WithCancel(t.Context())
	asked := writerFunc(func(p []byte) (int, error) {
		interrupt() // as Ctrl-C does, while the question is on the screen
		return len(p), nil
	})
	o := &operator{Streams: command.NewStreams(screen, io.Discard, asked)}
	if err := o.confirm(ctx, false, "Write this?"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("error %v", err)
	}
}

func TestAQuestionIsAnswered(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "Yes\n": true, "n\n": false, "\n": false} {
		keys, screen := terminal(t)
		if _, err := io.WriteString(keys, answer); err != nil {
			t.Fatal(err)
		}
		o := &operator{Streams: command.NewStreams(screen, io.Discard, io.Discard)}
		if err := o.confirm(t.Context(), false, "Write this?"); (err == nil) != want {
			t.Errorf("%q: error %v", answer, err)
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Each call that says that it wrote has written, however many run at once.
func TestConcurrentEditsLoseNothing(t *testing.T) {
	t.Parallel()
	dir := sample(t)
	for round := range 8 {
		var wg sync.WaitGroup
		wrote := make([]bool, 8)
		for i := range wrote {
			name := fmt.Sprintf("app-%d-%d", round, i)
			wg.Go(func() {
				var out bytes.Buffer
				args := []string{"apps", "add", name, "--domain", name + ".example.com", "--zone", "example.com", "-y", "-s", "dev"}
				wrote[i] = Command{Stdout: &out, Stderr: io.Discard, Dir: dir}.Main(args) == command.ExitOK
			})
		}
		wg.Wait()
		for i, done := range wrote {
			if name := fmt.Sprintf("    app-%d-%d:\n", round, i); done != strings.Contains(read(t, dir, "dev"), name) {
				t.Errorf("%q: wrote %v, and the file says otherwise", name, done)
			}
		}
	}
}
