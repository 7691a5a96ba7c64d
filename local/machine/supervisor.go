package machine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"webstack/local/machine/pipe"
	"webstack/local/machine/wire"
)

// supervisor keeps a tunnel to a machine that should be running, and boots the machine again when it is rebooting
// itself.
type supervisor struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// retry is how long to wait before a tunnel that ended is opened again.
const retry = 100 * time.Millisecond

// troubling is how many times in a row a tunnel must fail before it is logged: a machine that shuts down makes some
// fail.
const troubling = 20

func supervise(h *host) *supervisor {
	ctx, cancel := context.WithCancel(context.Background())
	s := &supervisor{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for failures := 0; ctx.Err() == nil; {
			made, err := h.connect(ctx)
			if failures++; made {
				failures = 0
			}
			up, lookErr := h.revive(ctx)
			switch {
			case ctx.Err() != nil || lookErr == nil && !up:
				return
			case failures == troubling:
				h.say("it does not answer: %v", errors.Join(err, lookErr))
			}
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
		}
	}()
	return s
}

// stop ends the tunnel, and with it every command.
func (s *supervisor) stop() {
	s.cancel()
	<-s.done
}

func (h *host) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.engine.options.Log, "machine %s: %s\n", h.id, fmt.Sprintf(format, args...))
}

// revive checks a machine without a tunnel. A machine that rebooted is started again, as a computer would; one that
// powered itself off stays off and is not up.
func (h *host) revive(ctx context.Context) (up bool, err error) {
	state, err := h.state(ctx)
	switch {
	case said(err, "no such"):
		h.say("somebody removed its container")
		return false, nil
	case err != nil:
		return false, err
	case state.running:
		return true, nil
	case !state.reboots:
		h.say("it powered itself off")
		return false, nil
	}
	h.say("it reboots")
	return true, h.startContainer(ctx)
}

// state is the state of a machine's container.
type state struct {
	running bool
	reboots bool // it ended to be started again
}

// rebooted is the exit code of a first process that the kernel ended because it asked for a reboot (SIGHUP).
const rebooted = "129"

func (h *host) state(ctx context.Context) (state, error) {
	text, err := docker(ctx, "inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", h.container)
	if err != nil {
		return state{}, err
	}
	running, code, _ := strings.Cut(text, " ")
	return state{running: running == "true", reboots: running != "true" && code == rebooted}, nil
}

// connect opens the tunnel and returns when it has ended, and whether there was one.
func (h *host) connect(ctx context.Context) (made bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", "exec", "--interactive", h.container, wire.Program, "tunnel")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	tunnel, err := startTunnel(cmd)
	if err != nil {
		return false, err
	}
	made, err = h.serve(tunnel)
	cancel()
	_ = cmd.Wait()
	if text := strings.TrimSpace(stderr.String()); text != "" {
		err = errors.Join(err, errors.New(lastLine(text)))
	}
	return made, err
}

// startTunnel starts a docker command and makes a tunnel of its input and output. The command ends with this process.
func startTunnel(cmd *exec.Cmd) (*wire.Tunnel, error) {
	cmd.SysProcAttr = endsWithParent()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return wire.CloudSide(duplex{stdout, stdin})
}

type duplex struct {
	io.Reader
	io.WriteCloser
}

// serve answers what comes through a tunnel until it ends, and reports whether the agent ever answered.
func (h *host) serve(tunnel *wire.Tunnel) (made bool, err error) {
	defer func() { _ = tunnel.Close() }()
	// The agent has to be there before anything can be asked of it.
	if err := ping(tunnel); err != nil {
		return false, err
	}
	h.mu.Lock()
	h.session = tunnel
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.session = nil
	}()
	requests := newQueue()
	defer func() { _ = requests.Close() }()
	server := &http.Server{Handler: h.metadata, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(requests) }()
	defer func() { _ = server.Close() }()
	for {
		conn, err := tunnel.Accept()
		if err != nil {
			return true, nil
		}
		go h.lead(conn, requests)
	}
}

func ping(tunnel *wire.Tunnel) error {
	conn, err := tunnel.Open()
	if err != nil {
		return err
	}
	return ask(conn, wire.Request{Op: wire.Ping})
}

// lead connects a stream to its service.
func (h *host) lead(conn net.Conn, requests *queue) {
	reader := bufio.NewReader(conn)
	line, err := reader.ReadString('\n')
	if err != nil {
		_ = conn.Close()
		return
	}
	stream := buffered{conn, reader}
	service := wire.Service(strings.TrimSpace(line))
	if address, ok := service.Database(); ok {
		h.leadToDatabase(stream, address)
		return
	}
	switch service {
	case wire.Metadata:
		requests.give(stream)
	case wire.Gateway:
		h.dial(stream, h.engine.options.Gateway())
	case wire.Registry:
		h.dial(stream, h.engine.options.Registry())
	default:
		_ = conn.Close()
	}
}

func (h *host) leadToDatabase(stream net.Conn, address string) {
	target := ""
	if h.engine.options.Database != nil {
		target = h.engine.options.Database(address)
	}
	if target == "" { // there is none, or it is stopped
		_ = stream.Close()
		return
	}
	h.dial(stream, target)
}

func (h *host) dial(stream net.Conn, address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		h.say("cannot reach %s: %v", address, err)
		_ = stream.Close()
		return
	}
	pipe.Join(stream, conn)
}

// buffered is a connection whose beginning has been read.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b buffered) Read(data []byte) (int, error) { return b.reader.Read(data) }

// CloseWrite ends this side's direction.
func (b buffered) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return b.Close()
}
