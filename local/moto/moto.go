package moto

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// version is the moto that the laptop cloud is tested with.
const version = "5.2.1"

const (
	// startLimit bounds how long moto may take until it answers; two seconds are usual.
	startLimit = 2 * time.Minute
	startPoll  = 50 * time.Millisecond
)

// find returns the path of moto_server: an installed one, or the one in venv.
func find(venv string) (string, error) {
	if path, err := exec.LookPath("moto_server"); err == nil {
		return path, nil
	}
	path := filepath.Join(venv, "bin", "moto_server")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("find moto_server: it is neither installed nor at %s; run python3 -m pip install 'moto[server]==%s'",
			path, version)
	}
	return path, nil
}

// Installed tells whether there is a moto, on the machine or in the virtual environment venv.
func Installed(venv string) bool {
	_, err := find(venv)
	return err == nil
}

// Install installs moto into the virtual environment venv. The error says what pip said, and what to do instead.
func Install(ctx context.Context, venv string) error {
	python, err := exec.LookPath("python3")
	if err != nil {
		return errors.New("install moto: there is no python3; install Python 3.9 or newer with its venv module, then try again")
	}
	for _, command := range [][]string{
		{python, "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "install", "--quiet", "moto[server]==" + version},
	} {
		out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("install moto into %s (or install it yourself: python3 -m pip install 'moto[server]==%s'): %w\n%s",
				venv, version, err, out)
		}
	}
	return nil
}

// Server is a running moto.
type Server struct {
	url  *url.URL
	done chan error
	cmd  *exec.Cmd
}

// Start runs moto on a free port of 127.0.0.1 and returns when it answers. Its log goes to log.
func Start(ctx context.Context, venv string, log io.Writer) (*Server, error) {
	program, err := find(venv)
	if err != nil {
		return nil, err
	}
	// Between finding a free port and moto taking it another program may be faster, so a failure is tried again.
	for attempt := 0; ; attempt++ {
		server, err := start(ctx, program, log)
		if err == nil || attempt == 2 || ctx.Err() != nil {
			return server, err
		}
	}
}

func start(ctx context.Context, program string, log io.Writer) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{
		url:  &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", port)},
		done: make(chan error, 1),
		cmd:  exec.Command(program, "-H", "127.0.0.1", "-p", port),
	}
	// Policies of AWS itself, such as the one for the SSM agent, are loaded on request only.
	s.cmd.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = endsWithParent()
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the parent-death signal is sent when the thread ends that started the child
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.done <- s.cmd.Wait()
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
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String()+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			return nil
		}
		select {
		case err := <-s.done:
			s.done <- err
			return fmt.Errorf("start moto: it ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("start moto: it does not answer: %w", ctx.Err())
		case <-time.After(startPoll):
		}
	}
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port for moto: %w", err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// URL is where moto answers.
func (s *Server) URL() *url.URL { return s.url }

// Run waits until moto ends by itself, which is an error, or ctx does, and then stops it.
func (s *Server) Run(ctx context.Context) error {
	select {
	case err := <-s.done:
		return fmt.Errorf("moto ended: %w", err)
	case <-ctx.Done():
		s.Stop()
		return nil
	}
}

// Stop ends moto. It has nothing to save.
func (s *Server) Stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	s.done <- <-s.done
}
