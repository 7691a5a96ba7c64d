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

// chunk is the maximum number of bytes of input in one message.
const chunk = 1024

// endOfInput is the key that tells a program in a terminal that the input has ended.
const endOfInput = "\x04"

// receive processes what the host sends until the session ends.
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
		// Agents drop input that arrives before they are ready. Without a handshake, the first output shows that they are.
		if !ready && m.Kind != datachannel.HandshakeRequest {
			ready = true
			go c.sendInput(ctx)
			go c.sendSizes(ctx)
		}
	}
}

// take processes a message.
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

// handshake answers what the host asks this client to do, and refuses what it cannot do.
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

// possible returns an error if this client cannot do what is asked.
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
		return fmt.Errorf("open a session of type %s: only shells and commands are supported", wanted.SessionType)
	}
	return fmt.Errorf("do the requested action %s: it is not supported", action.ActionType)
}

// sendInput sends the input.
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

// sendSizes sends the size of the window each time it changes.
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
