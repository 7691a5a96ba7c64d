package command

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// childVariable makes the test binary a command that waits for something that no signal ends.
const childVariable = "WEBSTACK_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	blocked := &cobra.Command{Use: "blocked", RunE: func(cmd *cobra.Command, _ []string) error {
		cmd.Println("ready")
		select {}
	}}
	// A timer keeps the runtime from taking the wait for a deadlock.
	time.AfterFunc(time.Hour, func() {})
	os.Exit(Main(NewStreams(nil, os.Stdout, os.Stdout), blocked, nil))
}

func TestASecondSignalEndsABlockedCommand(t *testing.T) {
	t.Parallel()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		_ = child.Wait()
		close(ended)
	}()
	// Signals that come at once may count as one.
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		_ = child.Process.Signal(syscall.SIGINT)
		select {
		case <-ended:
			if status := child.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("the command ended with %v", child.ProcessState)
			}
			return
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("the command did not end")
		}
	}
}
