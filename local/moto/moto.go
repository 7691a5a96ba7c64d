package moto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// version is the moto that the laptop cloud is tested with.
const version = "5.2.1"

const (
	// startLimit limits how long moto may take until it answers; two seconds are usual.
	startLimit = 2 * time.Minute
	startPoll  = 50 * time.Millisecond
)

// find returns the command that runs moto: an installed one, the one in the virtual environment dir, or Python's
// module.
func find(ctx context.Context, dir string) ([]string, error) {
	if path, err := exec.LookPath("moto_server"); err == nil {
		return []string{path}, nil
	}
	path := filepath.Join(dir, "bin", "moto_server")
	if _, err := os.Stat(path); err == nil {
		return []string{path}, nil
	}
	// The programs of an installation for one user are often not on PATH.
	module := []string{"python3", "-m", "moto.server"}
	if exec.CommandContext(ctx, module[0], "-c", "import moto.server").Run() == nil {
		return module, nil
	}
	return nil,
		fmt.Errorf("find moto_server: it is neither installed nor in %s; run python3 -m pip install 'moto[server]==%s'",
			path, version)
}

// Installed reports whether moto is installed, on this computer or in the virtual environment dir.
func Installed(ctx context.Context, dir string) bool {
	_, err := find(ctx, dir)
	return err == nil
}

// Install installs moto into the virtual environment dir. The error contains pip's output, and what to do instead.
func Install(ctx context.Context, dir string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("install moto: python3 is missing; install Python 3.10 or newer with its venv module, " +
			"then try again")
	}
	for _, command := range [][]string{
		{python, "-m", "venv", dir},
		{filepath.Join(dir, "bin", "pip"), "install", "--quiet", "moto[server]==" + version},
	} {
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("install moto into %s (or install it yourself: python3 -m pip install 'moto[server]==%s'): %w\n%s",
				dir, version, err, out)
		}
	}
	return nil
}

// Server is a running moto.
type Server struct {
	folder string // of the socket
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	err    error         // how it ended, once done is closed
}

// Start runs moto and returns when it answers, on a socket that only this user can open, because moto trusts every
// caller. It runs the installed moto, or the one in the virtual environment dir, where it also writes moto's settings.
// moto's log goes to log.
func Start(ctx context.Context, dir string, log io.Writer) (*Server, error) {
	command, err := find(ctx, dir)
	if err != nil {
		return nil, err
	}
	images, err := writeImages(dir)
	if err != nil {
		return nil, err
	}
	// Not below dir: the path of a socket may have only about a hundred characters.
	RemoveLeftovers()
	folder, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("make a folder for moto's socket: %w", err)
	}
	s, err := start(ctx, folder, command, images, log)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return s, nil
}

// folderPrefix is the prefix of the names of folders with a socket; the process id follows.
const folderPrefix = "webstack-moto-"

// RemoveLeftovers removes the folders of processes that were killed.
func RemoveLeftovers() {
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*-*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), folderPrefix), "-")
		if pid, err := strconv.Atoi(number); err == nil && pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(folder) // other users' folders stay
		}
	}
}

func start(ctx context.Context, folder string, command []string, images string, log io.Writer) (*Server, error) {
	s := &Server{folder: folder, done: make(chan struct{})}
	s.cmd = exec.Command(command[0], append(slices.Clone(command[1:]), "-H", "unix://"+s.socket())...)
	s.cmd.Env = append(os.Environ(),
		"MOTO_IAM_LOAD_MANAGED_POLICIES=true", // policies of AWS itself, such as the one for the SSM agent
		"MOTO_AMIS_PATH="+images,
		"MOTO_ENABLE_AMI_VALIDATION=true", // reject instances of images that do not exist
	)
	quiet := &errorsOnly{to: log}
	s.cmd.Stdout, s.cmd.Stderr = quiet, quiet
	s.cmd.SysProcAttr = endsWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the parent-death signal is sent when the thread that started the child ends
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.err = s.cmd.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	if err := s.answers(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// answers waits until moto answers, or ends.
func (s *Server) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		conn, err := s.Dial(ctx)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.done:
			return fmt.Errorf("start moto: it ended: %w", s.err)
		case <-ctx.Done():
			return fmt.Errorf("start moto: it does not answer: %w", ctx.Err())
		case <-time.After(startPoll):
		}
	}
}

func (s *Server) socket() string { return filepath.Join(s.folder, "socket") }

// Dial connects to moto, which speaks HTTP.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", s.socket())
}

// Run waits until moto ends on its own, which is an error, or until ctx ends, and then stops moto.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-s.done:
		return fmt.Errorf("moto ended: %w", s.err)
	case <-ctx.Done():
		s.Stop()
		return nil
	}
}

// Stop ends moto. It has nothing to save.
func (s *Server) Stop() {
	select {
	case <-s.done: // its process id may belong to another process now
	default:
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
	}
	_ = os.RemoveAll(s.folder) // it is empty, or contains a dead socket
}
