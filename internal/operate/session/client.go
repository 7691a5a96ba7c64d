package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/coder/websocket"

	"webstack/internal/datachannel"
)

const (
	// clientVersion tells agents what they may send.
	clientVersion = "1.2.0.0"
	// dialTime is how long a WebSocket may take to open.
	dialTime = 20 * time.Second
	// A broken connection is opened again, up to this many times, with a pause that doubles. A connection that has held
	// for a while resets the count.
	retries    = 6
	firstPause = 200 * time.Millisecond
	goodAfter  = 5 * time.Second
)

// client is this end of a session.
type client struct {
	config aws.Config
	ssm    *ssm.Client
	stream *datachannel.Stream
	o      Options
	self   string // the ID of this client
	sizes  <-chan Size

	id, url, token string // of the session

	code      int
	codeKnown bool
}

func newClient(config aws.Config, o Options) *client {
	return &client{
		config: config, ssm: ssm.NewFromConfig(config), o: o, self: datachannel.UUID(),
		stream: datachannel.NewStream(datachannel.Input, datachannel.Output),
	}
}

func (c *client) start(ctx context.Context, input *ssm.StartSessionInput) error {
	out, err := c.ssm.StartSession(ctx, input)
	if err != nil {
		return fmt.Errorf("start a session on %s: %w", aws.ToString(input.Target), err)
	}
	c.id, c.url, c.token = aws.ToString(out.SessionId), aws.ToString(out.StreamUrl), aws.ToString(out.TokenValue)
	return nil
}

// talk runs the session until its end, and returns what the host said about the end.
func (c *client) talk(ctx context.Context) (said string, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		if err := c.connect(ctx); err != nil {
			stop(err)
		}
	}()
	defer func() {
		stop(nil)
		<-connected
	}()
	err = c.receive(ctx)
	var closed *datachannel.ClosedError
	switch cause := context.Cause(ctx); {
	case errors.As(err, &closed):
		return closed.Output, nil
	case cause != nil && errors.Is(err, context.Canceled):
		return "", cause
	}
	return "", err
}

// connect keeps a WebSocket open until the session has ended.
func (c *client) connect(ctx context.Context) error {
	pause := firstPause
	for failures := 0; ; {
		begun := time.Now()
		err := c.once(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if time.Since(begun) > goodAfter {
			failures, pause = 0, firstPause
		}
		for {
			if failures++; failures > retries {
				return fmt.Errorf("the connection was lost: %w", err)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
			pause *= 2
			if err = c.resume(ctx); err == nil {
				break
			}
			if errors.Is(err, errOver) {
				return err
			}
		}
	}
}

// once opens a WebSocket and runs the session over it while it holds.
func (c *client) once(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	return c.stream.Run(ctx, conn)
}

// dial opens the WebSocket and sends the token.
func (c *client) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, dialTime)
	defer stop()
	header, err := c.signed(ctx)
	if err != nil {
		return nil, err
	}
	conn, response, err := websocket.Dial(ctx, c.url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		return nil, fmt.Errorf("open the data channel: %w", err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	err = conn.Write(ctx, websocket.MessageText, datachannel.JSON(datachannel.OpenInput{
		MessageSchemaVersion: datachannel.SchemaVersion, RequestID: datachannel.UUID(), TokenValue: c.token,
		ClientID: c.self, ClientVersion: clientVersion,
	}))
	if err != nil {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("open the data channel: %w", err)
	}
	return conn, nil
}

// signed returns the signed headers of the WebSocket request, with which AWS checks ssmmessages:OpenDataChannel.
func (c *client) signed(ctx context.Context) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return nil, fmt.Errorf("open the data channel: %w", err)
	}
	credentials, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	empty := sha256.Sum256(nil)
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(empty[:]), "ssmmessages", c.config.Region,
		time.Now())
	if err != nil {
		return nil, fmt.Errorf("sign the request for the data channel: %w", err)
	}
	return request.Header, nil
}

// errOver says that a session cannot be resumed.
var errOver = errors.New("the connection was lost, and the session has ended in the meantime")

// resume gets a new token.
func (c *client) resume(ctx context.Context) error {
	out, err := c.ssm.ResumeSession(ctx, &ssm.ResumeSessionInput{SessionId: &c.id})
	if err != nil {
		return fmt.Errorf("resume the session: %w", err)
	}
	if aws.ToString(out.TokenValue) == "" {
		return errOver
	}
	c.token = *out.TokenValue
	if out.StreamUrl != nil {
		c.url = *out.StreamUrl
	}
	return nil
}
