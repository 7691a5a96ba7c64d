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

// terminateTime is how long the end of a session is asked for that somebody broke off.
const terminateTime = 5 * time.Second

// Options say what a session is for.
type Options struct {
	// Command is what sh runs on the machine; "" opens a shell.
	Command string
	// Stdin is what is typed, nil for nothing. A command without terminal gets none.
	Stdin io.Reader
	// Stdout gets the output, and Stderr what of it the machine tells apart, and messages.
	Stdout, Stderr io.Writer
	// Window is where the user sits. Without one, nil, a command runs without terminal, and its output may come at its end
	// only.
	Window Window
	// Reason is noted beside the session; "" for none.
	Reason string
}

// Window is a terminal that a session takes over for its time.
type Window interface {
	// Raw hands every key on as it is typed, those too that would interrupt the program. The sizes of the window, the
	// first at once, come until ctx ends.
	Raw(ctx context.Context) (sizes <-chan Size, err error)
	// Restore makes the terminal what it was.
	Restore() error
}

// Size is the size of a window in characters.
type Size struct{ Rows, Cols int }

// Open opens a session on the instance and stays until it ends. It returns the command's exit code; that of a shell is
// not known and is 0. When ctx ends, the session and what it runs are ended too. After that, one read from Stdin may be
// under way yet.
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
		return 0, fmt.Errorf("hold the session %s: %w", c.id, err)
	}
	if command == nil {
		if said != "" {
			return 0, fmt.Errorf("hold the session %s: it ended with: %s", c.id, said)
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
		said = "it was broken off"
	}
	return 0, fmt.Errorf("hold the session %s: the command's exit code is not known: %s", c.id, said)
}

// sit holds the session at the window, if there is one.
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

// terminate asks for the end of a session that has not ended by itself. Without an answer it ends when it is idle.
func (c *client) terminate(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), terminateTime)
	defer stop()
	_, _ = c.ssm.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: &c.id})
}

// exitCode is how the command ended, by what it printed or what the agent said.
func (c *client) exitCode(command *command) (int, bool) {
	if command.ended {
		return command.code, true
	}
	return c.code, c.codeKnown
}

var errEncrypted = errors.New("this account encrypts sessions with a KMS key of its own, which webstack does not do; " +
	"install the session-manager-plugin and use: aws ssm start-session")
