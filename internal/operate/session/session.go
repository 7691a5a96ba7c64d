package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// The documents that sessions are started with.
const (
	interactiveDocument    = "AWS-StartInteractiveCommand"
	nonInteractiveDocument = "AWS-StartNonInteractiveCommand"
)

// terminateTime limits the request to end a session that was interrupted.
const terminateTime = 5 * time.Second

// Options describe a session.
type Options struct {
	// Command is what sh runs on the host; "" opens a shell.
	Command string
	// Stdin is the input, nil for none. A command without a terminal gets none.
	Stdin io.Reader
	// Stdout gets the output. Stderr gets messages, and standard error if the host keeps it apart.
	Stdout, Stderr io.Writer
	// Window is the user's terminal. If it is nil, a command runs without a terminal, and its output may arrive only when
	// it ends.
	Window Window
	// Reason is recorded with the session; "" for none.
	Reason string
}

// Window is a terminal that a session takes over while it lasts.
type Window interface {
	// Raw passes on every key as it is typed, including those that would interrupt the program. It returns the sizes of
	// the window, the first at once, until ctx ends.
	Raw(ctx context.Context) (sizes <-chan Size, err error)
	// Restore puts the terminal back into its previous state.
	Restore() error
}

// Size is the size of a window in characters.
type Size struct{ Rows, Cols int }

// Open opens a session on the instance and returns when it ends. It returns the command's exit code; that of a shell is
// unknown and reported as 0. When ctx ends, the session and what it runs end too. One read from Stdin may still be
// pending after Open returns.
func Open(ctx context.Context, config aws.Config, instanceID string, o Options) (code int, err error) {
	input := &ssm.StartSessionInput{Target: &instanceID}
	if o.Reason != "" {
		input.Reason = &o.Reason
	}
	var command *command
	if o.Command != "" {
		command = newCommand(o.Command, o.Window != nil, o.Stdout)
		o.Stdout = command
		document := nonInteractiveDocument
		if o.Window != nil {
			document = interactiveDocument
		} else {
			o.Stdin = nil
		}
		input.DocumentName, input.Parameters = &document, map[string][]string{"command": {command.line}}
	}
	c := newClient(config, o)
	if err := c.start(ctx, input); err != nil {
		return 0, err
	}
	said, err := c.sit(ctx)
	if err != nil {
		c.terminate(ctx)
		return 0, fmt.Errorf("run session %s: %w", c.id, err)
	}
	if command == nil {
		if said != "" {
			return 0, fmt.Errorf("run session %s: it ended with: %s", c.id, said)
		}
		return 0, nil
	}
	if err := command.flush(); err != nil {
		return 0, err
	}
	if code, ok := c.exitCode(command); ok {
		return code, nil
	}
	if said == "" {
		said = "it was interrupted"
	}
	return 0, fmt.Errorf("run session %s: the command's exit code is unknown: %s", c.id, said)
}

// sit runs the session at the window, if there is one.
func (c *client) sit(ctx context.Context) (said string, err error) {
	if c.o.Window == nil {
		return c.talk(ctx)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if c.sizes, err = c.o.Window.Raw(ctx); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, c.o.Window.Restore()) }()
	return c.talk(ctx)
}

// terminate ends a session that has not ended on its own. If the request fails, the session ends when it is idle.
func (c *client) terminate(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), terminateTime)
	defer stop()
	_, _ = c.ssm.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: &c.id})
}

// exitCode returns the command's exit code, from what it printed or from what the agent said.
func (c *client) exitCode(command *command) (int, bool) {
	if command.ended {
		return command.code, true
	}
	return c.code, c.codeKnown
}

var errEncrypted = errors.New("this account encrypts sessions with its own KMS key, which webstack does not support; " +
	"install the session-manager-plugin and use: aws ssm start-session")
