package backup

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// patient ends a request over whose connection nothing has come or gone for a while. Without it, a connection that hangs
// would keep a backup from ending, and all later ones from beginning.
type patient struct {
	client s3.HTTPClient
	limit  time.Duration
}

// stalledError says that a connection hung. The request may be sent again.
type stalledError struct{ limit time.Duration }

func (e *stalledError) Error() string {
	return fmt.Sprintf("the connection was silent for %s", e.limit)
}

// Timeout makes the SDK try again.
func (e *stalledError) Timeout() bool { return true }

// Temporary is what net.Error asks for.
func (e *stalledError) Temporary() bool { return true }

// Do implements s3.HTTPClient.
func (p *patient) Do(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	clock := &silence{ctx: ctx, limit: p.limit}
	clock.timer = time.AfterFunc(p.limit, func() { cancel(&stalledError{p.limit}) })
	r = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &sent{r.Body, clock}
	}
	response, err := p.client.Do(r)
	clock.timer.Stop()
	if err != nil {
		err = clock.explain(err)
		cancel(nil)
		return nil, err
	}
	response.Body = &listened{response.Body, clock, func() { cancel(nil) }}
	return response, nil
}

// silence is the time since something was heard.
type silence struct {
	ctx   context.Context //nolint:containedctx // that of one request
	timer *time.Timer
	limit time.Duration
}

// explain returns why the request was ended, if it was.
func (s *silence) explain(err error) error {
	if stalled, ok := context.Cause(s.ctx).(*stalledError); ok { //nolint:errorlint // it is never wrapped
		return stalled
	}
	return err
}

// sent is the body of a request. Whenever the connection has taken what was read before, it is read again.
type sent struct {
	io.ReadCloser
	clock *silence
}

// Read implements io.Reader.
func (b *sent) Read(p []byte) (int, error) {
	b.clock.timer.Reset(b.clock.limit)
	return b.ReadCloser.Read(p)
}

// listened is the body of an answer. Only the time in Read counts: what reads it may be busy with what it has read.
type listened struct {
	io.ReadCloser
	clock *silence
	done  func()
}

// Read implements io.Reader.
func (b *listened) Read(p []byte) (int, error) {
	b.clock.timer.Reset(b.clock.limit)
	n, err := b.ReadCloser.Read(p)
	b.clock.timer.Stop()
	if err != nil && err != io.EOF { //nolint:errorlint // Read returns io.EOF itself
		err = b.clock.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *listened) Close() error {
	b.done()
	return b.ReadCloser.Close()
}
