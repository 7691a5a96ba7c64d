package machine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webstack/local/machine/proc"
	"webstack/local/machine/wire"
)

const patience = 30 * time.Second

// agent answers one request at the other end of a stream, as the program on a machine does.
func agent(t *testing.T) net.Conn {
	t.Helper()
	a, b := net.Pipe()
	cloud, err := wire.CloudSide(a)
	if err != nil {
		t.Fatal(err)
	}
	far, err := wire.AgentSide(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cloud.Close(), far.Close() })
	go func() {
		conn, err := far.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = proc.Answer(conn)
	}()
	conn, err := cloud.Open()
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func sh(script string) Command { return Command{Args: []string{"sh", "-c", script}} }

// runHere runs a command in this process's agent; a command that hangs fails.
func runHere(t *testing.T, command Command) (Exit, string, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	exit, err := RunOver(ctx, agent(t), command)
	return exit, stdout.String(), stderr.String(), err
}

func TestRun(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "new", "script.sh")
	long := strings.Repeat("0123456789abcdef", 1<<16)
	for name, c := range map[string]struct {
		command        Command
		code           int
		stdout, stderr string
	}{
		"streams":      {sh("echo out; echo err >&2; exit 3"), 3, "out\n", "err\n"},
		"signal":       {sh("kill -KILL $$"), 137, "", ""},
		"environment":  {Command{Args: []string{"sh", "-c", "echo $MORE; pwd"}, Env: []string{"MORE=1"}}, 0, "1\n/\n", ""},
		"folder":       {Command{Args: []string{"pwd"}, Dir: "/usr"}, 0, "/usr\n", ""},
		"file":         {Command{Args: []string{script}, Files: map[string][]byte{script: []byte("#!/bin/sh\necho file\n")}}, 0, "file\n", ""},
		"long output":  {sh("head -c 3000000 /dev/zero | tr '\\0' x"), 0, strings.Repeat("x", 3000000), ""},
		"no input":     {Command{Args: []string{"cat"}}, 0, "", ""},
		"input":        {Command{Args: []string{"cat"}, Stdin: strings.NewReader(long)}, 0, long, ""},
		"unread input": {Command{Args: []string{"true"}, Stdin: strings.NewReader(long)}, 0, "", ""},
		// A background program holds the output open, even in a process session of its own.
		"background": {sh("(sleep 0.2; echo late) & echo started"), 0, "started\nlate\n", ""},
		"daemon":     {sh("setsid sh -c 'sleep 0.2; echo late' & echo started"), 0, "started\nlate\n", ""},
		"closed":     {sh("sleep 60 >/dev/null 2>&1 & echo started"), 0, "started\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exit, stdout, stderr, err := runHere(t, c.command)
			if err != nil || exit.Code != c.code || exit.TimedOut {
				t.Errorf("%+v, %v; want code %d", exit, err, c.code)
			}
			if stdout != c.stdout || stderr != c.stderr {
				t.Errorf("stdout %.100q, stderr %.100q; want %.100q, %.100q", stdout, stderr, c.stdout, c.stderr)
			}
		})
	}
	if info, err := os.Stat(script); err == nil && info.Mode().Perm() != 0o700 {
		t.Errorf("the file has mode %v", info.Mode())
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]Command{
		"no program": {}, "no such program": {Args: []string{"/no/such/program"}},
		"file cannot be written": {Args: []string{"true"}, Files: map[string][]byte{"/proc/no/file": nil}},
	} {
		if exit, _, _, err := runHere(t, command); err == nil {
			t.Errorf("%s: %+v", name, exit)
		}
	}
}

// held writes lines to a file while it runs, so that a test sees its end.
func held(t *testing.T) (script, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "alive")
	return "trap '' TERM HUP INT; (while :; do echo x >> " + path + "; sleep 0.02; done) & wait", path
}

// ends waits until a file no longer grows.
func ends(t *testing.T, path string) {
	t.Helper()
	last := int64(-1)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		info, err := os.Stat(path)
		if err == nil && info.Size() == last {
			return
		}
		if err == nil {
			last = info.Size()
		}
	}
	t.Error("a process of the group is still there")
}

func grows(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			return
		}
	}
	t.Fatal("the program does not start")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	script, path := held(t)
	command := sh(script)
	command.Timeout = 200 * time.Millisecond
	exit, _, _, err := runHere(t, command)
	if err != nil || !exit.TimedOut || exit.Code != 137 {
		t.Errorf("%+v, %v", exit, err)
	}
	ends(t, path)
}

// A background program that holds the output open uses up the timeout.
func TestTimeoutInTheBackground(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"of its group": "sleep 60 & echo started", "in a session of its own": "setsid sleep 3 & echo started",
	} {
		command := sh(script)
		command.Timeout = 300 * time.Millisecond
		exit, stdout, _, err := runHere(t, command)
		if err != nil || !exit.TimedOut || exit.Code != 137 || stdout != "started\n" {
			t.Errorf("%s: %+v, %v, %q", name, exit, err, stdout)
		}
	}
}

func TestCallerGone(t *testing.T) {
	t.Parallel()
	for name, stdin := range map[string]io.Reader{"without input": nil, "with input that is not read": endless{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script, path := held(t)
			command := sh(script)
			command.Stdin = stdin
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, err := RunOver(ctx, agent(t), command)
				done <- err
			}()
			grows(t, path)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
			ends(t, path)
		})
	}
}

type endless struct{}

func (endless) Read(data []byte) (int, error) { return len(data), nil }

func TestTerminal(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := sh(`stty size; read line; echo "got $line"; stty size; exit 5`)
	term, err := openOver(ctx, agent(t), command, 30, 100)
	if err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	until := func(want string) {
		t.Helper()
		buffer := make([]byte, 256)
		for !strings.Contains(seen.String(), want) {
			n, err := term.Read(buffer)
			seen.Write(buffer[:n])
			if err != nil {
				t.Fatalf("no %q in %q: %v", want, seen.String(), err)
			}
		}
	}
	until("30 100")
	if err := term.Resize(0, 1); err == nil {
		t.Error("a window without rows was taken")
	}
	if err := term.Resize(40, 120); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(term, "hello\r"); err != nil {
		t.Fatal(err)
	}
	until("got hello")
	until("40 120")
	if rest, err := io.ReadAll(term); err != nil {
		t.Errorf("after the end: %q, %v", rest, err)
	}
	if code, err := term.Wait(); code != 5 || err != nil {
		t.Errorf("it ended with %d, %v", code, err)
	}
	if err := term.Close(); err != nil {
		t.Error(err)
	}
}

func TestTerminalClosed(t *testing.T) {
	t.Parallel()
	script, path := held(t)
	term, err := openOver(t.Context(), agent(t), sh(script), 24, 80)
	if err != nil {
		t.Fatal(err)
	}
	grows(t, path)
	if err := term.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := term.Wait(); err == nil {
		t.Error("a closed terminal has an exit code")
	}
	ends(t, path)
}
