package notify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"webstack/contract"
)

const (
	// patience is how long Send takes at most: a failed deploy should not wait longer for its exit code.
	patience = 10 * time.Second
	// resendAPI is Resend's endpoint for sending an e-mail (https://resend.com/docs/api-reference/emails/send-email).
	resendAPI = "https://api.resend.com/emails"
	// maxReason limits what a message says of the reason, in bytes.
	maxReason = 1500
)

// Event is one thing that people should know.
type Event struct {
	// What happened, such as "deploy of shop failed".
	What string
	// Reason says why; "" if there is nothing to say.
	Reason string
	// Next says what to do now; "" if there is nothing to do.
	Next string
}

// Parameters reads parameters by their names; see package parameters.
type Parameters interface {
	ByName(ctx context.Context, names []string) (found map[string]string, failed map[string]error, err error)
}

// Sender sends events of one stack.
type Sender struct {
	// Manifest says which stack this is, and whom to tell.
	Manifest contract.Manifest
	// Parameters opens Parameter Store, which has the secrets.
	Parameters func(ctx context.Context) (Parameters, error)
	// Out gets a line for each message that could not be sent.
	Out io.Writer
	// Client sends the messages. It must not follow redirects, because the addresses are secrets; nil is one that does
	// not.
	Client *http.Client
	// ResendURL replaces Resend's endpoint if it is not "".
	ResendURL string
}

// channel is one way to reach people.
type channel struct {
	name, parameter string
	request         func(ctx context.Context, secret, subject string, e Event) (*http.Request, error)
}

// Send tells everybody about an event. It ends soon, whatever happens, and reports problems only to Out.
func (s Sender) Send(ctx context.Context, e Event) {
	channels := s.channels()
	if len(channels) == 0 {
		return
	}
	// A command that was cancelled still says so.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	secrets, err := s.secrets(ctx, channels)
	if err != nil {
		s.complain("no notification was sent", err)
		return
	}
	e.Reason = contract.Clip(e.Reason, maxReason)
	subject := fmt.Sprintf("%s: %s", contract.StackTagValue(s.Manifest.Project, s.Manifest.Stack), e.What)
	failures := make([]error, len(channels))
	var sent sync.WaitGroup
	for i, c := range channels {
		sent.Go(func() { failures[i] = s.send(ctx, c, secrets[c.parameter], subject, e) })
	}
	sent.Wait()
	for i, err := range failures {
		if err != nil {
			s.complain("the notification to "+channels[i].name+" was not sent", err)
		}
	}
}

func (s Sender) complain(what string, err error) { _, _ = fmt.Fprintf(s.Out, "%s: %v\n", what, err) }

// channels returns the ways that the stack is set up for.
func (s Sender) channels() (all []channel) {
	base, to := contract.BasePath(s.Manifest.Project, s.Manifest.Stack), s.Manifest.Notify
	if to.Slack {
		all = append(all, channel{"Slack", contract.SlackWebhookParam(base), slackRequest})
	}
	if to.EmailTo != "" {
		all = append(all, channel{"Resend", contract.ResendKeyParam(base), s.resendRequest})
	}
	return all
}

func (s Sender) secrets(ctx context.Context, channels []channel) (map[string]string, error) {
	var names []string
	for _, c := range channels {
		names = append(names, c.parameter)
	}
	store, err := s.Parameters(ctx)
	if err != nil {
		return nil, err
	}
	found, failed, err := store.ByName(ctx, names)
	if err != nil {
		return nil, err
	}
	for name, err := range failed {
		s.complain("read parameter "+name, err)
	}
	return found, nil
}
