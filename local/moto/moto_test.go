package moto

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"webstack/local/workdir"
)

// parentDir, when it is set, makes the test program a parent of a moto that waits to be killed.
const parentDir = "WEBSTACK_TEST_MOTO_PARENT"

func TestMain(m *testing.M) {
	dir := os.Getenv(parentDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	server, err := Start(context.Background(), dir, io.Discard)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(server.cmd.Process.Pid)
	select {}
}

// installDir returns where the clone's moto is, for computers without an installed one.
func installDir(t *testing.T) string {
	t.Helper()
	dir, err := workdir.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	if !Installed(t.Context(), dir.Moto()) {
		if err := Install(t.Context(), dir.Moto()); err != nil {
			t.Fatal(err)
		}
	}
	return dir.Moto()
}

// waitGone waits until there is no process with that id, not even a zombie.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func TestServerAnswersUntilItIsStopped(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server, err := Start(t.Context(), installDir(t), &log)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return server.Dial(ctx)
	}}}
	response, err := client.Get("http://127.0.0.1/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("moto answers %s", response.Status)
	}
	if info, err := os.Stat(server.folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder is open to others: %v, %v", info.Mode(), err)
	}
	server.Stop()
	server.Stop() // once more is no harm
	waitGone(t, server.cmd.Process.Pid)
	if _, err := os.Stat(server.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what is left of the socket: %v", err)
	}
	if !strings.Contains(log.String(), "Running on") {
		t.Errorf("log: %s", log.String())
	}
}

func TestRunTellsWhenMotoEnds(t *testing.T) {
	t.Parallel()
	server, err := Start(t.Context(), installDir(t), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "moto ended: signal: killed") {
		t.Errorf("run: %v", err)
	}
	server.Stop()
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	server, err := Start(t.Context(), installDir(t), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := server.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	waitGone(t, server.cmd.Process.Pid)
}

func TestMotoDiesWithItsParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("parent-death signals do not exist on " + runtime.GOOS)
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentDir+"="+installDir(t))
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	waitGone(t, pid)

	// Its folder is removed by the next run.
	RemoveLeftovers()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", folderPrefix, parent.Process.Pid)))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestStartOfWhatEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	script(t, filepath.Join(dir, "moto_server"), "echo no flask >&2; exit 3")
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	var log bytes.Buffer
	_, err := Start(t.Context(), t.TempDir(), &log)
	if err == nil || !strings.Contains(err.Error(), "start moto: it ended: exit status 3") {
		t.Errorf("start: %v", err)
	}
	if log.String() != "no flask\n" {
		t.Errorf("log: %q", log.String())
	}
}

func TestMissingMotoIsInstalledOrExplained(t *testing.T) {
	bin, dir := t.TempDir(), filepath.Join(t.TempDir(), "moto")
	t.Setenv("PATH", bin)
	if Installed(t.Context(), dir) {
		t.Fatal("moto is there without a PATH")
	}
	_, err := Start(t.Context(), dir, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "run python3 -m pip install 'moto[server]=="+version+"'") {
		t.Errorf("start: %v", err)
	}
	if err := Install(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "python3 is missing") {
		t.Errorf("install without Python: %v", err)
	}
	// A Python that creates environments with a fake pip.
	pip := "echo no route to the index; exit 1"
	python := func() {
		script(t, filepath.Join(bin, "python3"), `[ "$2" = venv ] || exit 1
/bin/mkdir -p "$3/bin" && printf '%s\n' '#!/bin/sh' '`+pip+`' >"$3/bin/pip" && /bin/chmod +x "$3/bin/pip"`)
	}
	python()
	err = Install(t.Context(), dir)
	if err == nil || !strings.Contains(err.Error(), "no route to the index") || !strings.Contains(err.Error(),
		"install it yourself") {
		t.Errorf("install without a network: %v", err)
	}
	if Installed(t.Context(), dir) {
		t.Error("moto is there though pip failed")
	}
	pip = `[ "$3" = "moto[server]==` + version + `" ] && echo >"${0%pip}moto_server" &&
		/bin/chmod +x "${0%pip}moto_server"`
	python()
	if err := Install(t.Context(), dir); err != nil {
		t.Errorf("install: %v", err)
	}
	if command, err := find(t.Context(), dir); err != nil || command[0] != filepath.Join(dir, "bin", "moto_server") {
		t.Errorf("found %v, %v", command, err)
	}
}

func TestPythonsModuleIsUsedWhenItsProgramIsNotOnThePath(t *testing.T) {
	bin := t.TempDir()
	script(t, filepath.Join(bin, "python3"), `[ "$1" = -c ] && [ "$2" = "import moto.server" ]`)
	t.Setenv("PATH", bin)
	command, err := find(t.Context(), t.TempDir())
	if got := strings.Join(command, " "); err != nil || got != "python3 -m moto.server" {
		t.Errorf("found %q, %v", got, err)
	}
}

func script(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
