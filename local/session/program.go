package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/shlex"

	"webstack/internal/datachannel"
	"webstack/local/machine"
)

// chunk is how much output goes into one message, in bytes, as with the agent.
const chunk = 1024

// The size of a terminal until the client sends its own.
const (
	firstRows = 24
	firstCols = 80
)

// maxSide limits the rows and the columns of a terminal.
const maxSide = 1<<16 - 1

// PrepareUser runs on a machine at the beginning of each session. It creates ssm-user as the agent does, and prints the
// user who runs the session's program.
const PrepareUser = `command -v sudo >/dev/null || { echo root; exit; }
exec 9>/run/ssm-user.lock && flock 9 || exit # of several first sessions, one at a time
id ssm-user >/dev/null 2>&1 || useradd -m ssm-user >/dev/null 2>&1 || id ssm-user >/dev/null || exit
rules=/etc/sudoers.d/ssm-agent-users
if [ ! -e $rules ]; then
	umask 0227
	printf '%s\n' '# User rules for ssm-user' 'ssm-user ALL=(ALL) NOPASSWD:ALL' >$rules.$$ && mv $rules.$$ $rules || exit
fi
echo ssm-user
`

// as returns the beginning of the command that runs a program as the session's user, and that user's environment.
func (s *session) as(ctx context.Context) (prefix, env []string, err error) {
	var out, problems bytes.Buffer
	exit, err := s.manager.machines.Run(ctx, s.info.Target, machine.Command{
		Args: []string{"sh", "-c", PrepareUser}, Stdout: &out, Stderr: &problems,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("create ssm-user: %w", err)
	}
	env = []string{"TERM=xterm-256color", "LANG=C.UTF-8"}
	switch user := strings.TrimSpace(out.String()); {
	case exit.Code == 0 && user == "root":
		return nil, append(env, "HOME=/root"), nil
	case exit.Code == 0 && user != "":
		return []string{"setpriv", "--reuid=" + user, "--regid=" + user, "--init-groups", "--"},
			append(env, "HOME=/home/"+user), nil
	}
	return nil, nil, fmt.Errorf("create ssm-user: exit code %d: %s", exit.Code, strings.TrimSpace(problems.String()))
}

// terminal runs a shell, or a command in one, with a terminal connected to the client.
func (s *session) terminal(ctx context.Context) error {
	prefix, env, err := s.as(ctx)
	if err != nil {
		return fmt.Errorf("unable to start command: %w", err)
	}
	args := append(prefix, "sh")
	if s.info.Kind == Interactive {
		args = append(args, "-c", s.info.Command)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	terminal, err := s.manager.machines.Open(ctx, s.info.Target, machine.Command{Args: args, Env: env},
		firstRows, firstCols)
	if err != nil {
		return fmt.Errorf("unable to start command: %w", err)
	}
	go s.feed(ctx, terminal)
	hangUp := context.AfterFunc(ctx, func() { _ = terminal.Close() })
	defer hangUp()
	_, err = io.CopyBuffer(s.output(ctx), onlyReader{terminal}, make([]byte, chunk))
	_ = terminal.Close() // its error does not matter to the client: the program has ended, or should end
	_, _ = terminal.Wait()
	if errors.Is(err, context.Canceled) {
		return err
	}
	return nil // a terminal is read until that fails
}

// feed gives the program what the client types, and the size of its window.
func (s *session) feed(ctx context.Context, terminal machine.Terminal) {
	for {
		m, err := s.stream.Receive(ctx)
		if err != nil {
			return
		}
		switch m.Kind {
		case datachannel.Data:
			_, err = terminal.Write(m.Payload)
		case datachannel.Size:
			var size datachannel.WindowSize
			if m.Read(&size) == nil && size.Rows > 0 && size.Cols > 0 {
				err = terminal.Resize(int(min(size.Rows, maxSide)), int(min(size.Cols, maxSide)))
			}
		}
		if err != nil {
			return // the program has ended
		}
	}
}

// The keys that end a command without a terminal: interrupt and quit.
const endKeys = "\x03\x1c"

// command runs a program without a terminal.
func (s *session) command(ctx context.Context) error {
	words, err := shlex.Split(s.info.Command)
	if err != nil {
		return fmt.Errorf("failed to parse commands input: %w", err)
	}
	prefix, env, err := s.as(ctx)
	if err != nil {
		return fmt.Errorf("unable to start command: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for {
			m, err := s.stream.Receive(ctx)
			if err != nil {
				return
			}
			if m.Kind == datachannel.Data && bytes.ContainsAny(m.Payload, endKeys) {
				stop()
			}
		}
	}()
	output := s.output(s.ctx)
	_, err = s.manager.machines.Run(ctx, s.info.Target, machine.Command{
		Args: append(prefix, words...), Env: env, Stdout: output, Stderr: output,
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("error occurred starting the command: %w", err)
	}
	return nil
}

// output returns where a program's output goes.
func (s *session) output(ctx context.Context) io.Writer {
	return writerFunc(func(data []byte) (int, error) {
		for written := 0; written < len(data); {
			part := bytes.Clone(data[written:min(written+chunk, len(data))])
			if err := s.stream.Send(ctx, datachannel.Data, part); err != nil {
				return written, err
			}
			written += len(part)
		}
		return len(data), nil
	})
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(data []byte) (int, error) { return w(data) }

// onlyReader hides a terminal's other methods, so that it is read in chunks.
type onlyReader struct{ io.Reader }
