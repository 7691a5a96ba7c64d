package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"webstack/internal/datachannel"
)

// chunk is how much of the input goes in one message, in bytes.
const chunk = 1024

// endOfInput is the key that tells a program in a terminal that there is no more to read.
const endOfInput = "\x04"

// receive takes what the machine sends until the session ends.
func (c *client) receive(ctx context.Context) error {
	ready := false
	for {
		m, err := c.stream.Receive(ctx)
		if err != nil {
			return err
		}
		if err := c.take(ctx, m); err != nil {
			return err
		}
		// Agents take no input before, and forget what comes. Without a handshake, output is the sign.
		if !ready && m.Kind != datachannel.HandshakeRequest {
			ready = true
			go c.sendInput(ctx)
			go c.sendSizes(ctx)
		}
	}
}

// take does what a message asks for.
func (c *client) take(ctx context.Context, m datachannel.Message) (err error) {
	switch m.Kind {
	case datachannel.HandshakeRequest:
		return c.handshake(ctx, m)
	case datachannel.HandshakeComplete:
		var done datachannel.HandshakeDone
		if err := m.Read(&done); err != nil {
			return err
		}
		if done.CustomerMessage != "" {
			_, err = fmt.Fprintln(c.o.Stderr, done.CustomerMessage)
		}
	case datachannel.Data:
		_, err = c.o.Stdout.Write(m.Payload)
	case datachannel.StdErr:
		_, err = c.o.Stderr.Write(m.Payload)
	case datachannel.ExitCode:
		if code, err := strconv.Atoi(strings.TrimSpace(string(m.Payload))); err == nil {
			c.code, c.codeKnown = code, true
		}
	}
	if err != nil {
		return fmt.Errorf("write the session's output: %w", err)
	}
	return nil
}

// handshake answers what the machine asks this client to do, and refuses what it cannot do.
func (c *client) handshake(ctx context.Context, m datachannel.Message) error {
	var request datachannel.Handshake
	if err := m.Read(&request); err != nil {
		return err
	}
	answer := datachannel.HandshakeAnswer{ClientVersion: clientVersion, Errors: []string{}}
	var problem error
	for _, action := range request.RequestedClientActions {
		done := datachannel.ProcessedAction{ActionType: action.ActionType, ActionStatus: datachannel.ActionSuccess}
		switch err := possible(action); {
		case errors.Is(err, errEncrypted):
			done.ActionStatus, problem = datachannel.ActionFailed, err
		case err != nil:
			done.ActionStatus, problem = datachannel.ActionUnsupported, errors.Join(problem, err)
		}
		if done.ActionStatus != datachannel.ActionSuccess {
			done.Error = "Unsupported action " + action.ActionType
			answer.Errors = append(answer.Errors, done.Error)
		}
		answer.ProcessedClientActions = append(answer.ProcessedClientActions, done)
	}
	if err := c.stream.Send(ctx, datachannel.HandshakeResponse, datachannel.JSON(answer)); err != nil {
		return err
	}
	return problem
}

// possible tells whether this client can do what is asked for.
func possible(action datachannel.Action) error {
	switch action.ActionType {
	case datachannel.ActionKMSEncryption:
		return errEncrypted
	case datachannel.ActionSessionType:
		var wanted datachannel.SessionType
		if err := json.Unmarshal(action.ActionParameters, &wanted); err != nil {
			return fmt.Errorf("read the type of the session: %w", err)
		}
		switch wanted.SessionType {
		case "Standard_Stream", "InteractiveCommands", "NonInteractiveCommands":
			return nil
		}
		return fmt.Errorf("take a session of the type %s: only shells and commands are possible", wanted.SessionType)
	}
	return fmt.Errorf("do what the machine asks for, %s: it is not known here", action.ActionType)
}

// sendInput sends what is typed.
func (c *client) sendInput(ctx context.Context) {
	if c.o.Stdin == nil {
		return
	}
	for {
		data := make([]byte, chunk)
		n, err := c.o.Stdin.Read(data)
		if n > 0 && c.stream.Send(ctx, datachannel.Data, data[:n]) != nil {
			return
		}
		if errors.Is(err, io.EOF) {
			_ = c.stream.Send(ctx, datachannel.Data, []byte(endOfInput)) // when it fails, the session has ended
		}
		if err != nil {
			return
		}
	}
}

// sendSizes sends how large the window is, each time that changes.
func (c *client) sendSizes(ctx context.Context) {
	for {
		select {
		case size, ok := <-c.sizes:
			if !ok {
				return
			}
			payload := datachannel.JSON(datachannel.WindowSize{Rows: uint32(size.Rows), Cols: uint32(size.Cols)})
			if c.stream.Send(ctx, datachannel.Size, payload) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
