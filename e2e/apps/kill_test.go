package apps

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// convergeEnv makes this test's program converge the host that it holds, in JSON, and end.
const convergeEnv = "WEBSTACK_TEST_CONVERGES"

type order struct {
	Host     *host
	Releases map[string]string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(convergeEnv); text != "" {
		var o order
		err := json.Unmarshal([]byte(text), &o)
		if err == nil {
			if err = engine(); err == nil {
				err = o.Host.converge(context.Background(), os.Stdout, o.Releases)
			}
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// killConverge converges in a process of its own and kills it some time after its n-th line of output. It reports
// whether the process was still running.
func (h *host) killConverge(releases map[string]string, n int, after time.Duration) (killed bool) {
	h.Helper()
	h.ship(releases)
	bare := *h
	bare.T = nil
	text, err := json.Marshal(order{&bare, releases})
	if err != nil {
		h.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		h.Fatal(err)
	}
	cmd := exec.CommandContext(h.Context(), program)
	cmd.Env = append(os.Environ(), convergeEnv+"="+string(text))
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	lines, seen := bufio.NewScanner(out), 0
	for lines.Scan() {
		if seen++; seen == n {
			kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
	}
	err = cmd.Wait()
	if cmd.ProcessState.ExitCode() > 0 {
		h.Fatalf("converge failed: %v", err)
	}
	return err != nil
}
