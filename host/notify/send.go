package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"webstack/contract"
)

const (
	attempts   = 3
	firstPause = time.Second
	// maxAnswer limits what an error says of a service's answer, in bytes.
	maxAnswer = 200
)

// client follows no redirects, so that a secret goes nowhere else.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// slackText makes text safe for Slack, which takes "<!channel>" and the like for commands
// (https://docs.slack.dev/messaging/formatting-message-text).
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func slackRequest(ctx context.Context, webhook, subject string, e Event) (*http.Request, error) {
	text := "*" + slackText.Replace(subject) + "*"
	if e.Reason != "" {
		text += "\n```" + slackText.Replace(strings.ReplaceAll(e.Reason, "```", "'''")) + "```"
	}
	if e.Next != "" {
		text += "\n" + slackText.Replace(e.Next)
	}
	return jsonRequest(ctx, webhook, map[string]any{"text": text})
}

func (s Sender) resendRequest(ctx context.Context, key, subject string, e Event) (*http.Request, error) {
	var parts []string
	for _, part := range []string{subject + ".", e.Reason, e.Next} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	r, err := jsonRequest(ctx, cmp.Or(s.ResendURL, resendAPI), map[string]any{
		"from": s.Manifest.Notify.EmailFrom, "to": []string{s.Manifest.Notify.EmailTo}, "subject": subject,
		"text": strings.Join(parts, "\n\n") + "\n",
	})
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	return r, err
}

func jsonRequest(ctx context.Context, address string, body map[string]any) (*http.Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("the address is not valid") // err contains it
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "webstack")
	return r, nil
}

// send sends an event by one channel. It tries again only after the service has certainly not taken it.
func (s Sender) send(ctx context.Context, c channel, secret, subject string, e Event) error {
	if secret == "" {
		return fmt.Errorf("parameter %s does not exist; run pulumi up --refresh, which creates it", c.parameter)
	}
	var err error
	for i, pause := 0, firstPause; i < attempts; i, pause = i+1, 2*pause {
		if i > 0 {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(pause):
			}
		}
		var again bool
		if again, err = s.try(ctx, c, secret, subject, e); !again {
			return err
		}
	}
	return err
}

func (s Sender) try(ctx context.Context, c channel, secret, subject string, e Event) (again bool, err error) {
	request, err := c.request(ctx, secret, subject, e)
	if err != nil {
		return false, err
	}
	answer, err := cmp.Or(s.Client, client).Do(request)
	if err != nil {
		var named *url.Error
		if errors.As(err, &named) {
			err = named.Err // without the address, which is a secret
		}
		var refused *net.OpError
		return errors.As(err, &refused) && refused.Op == "dial", err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 == 2 {
		return false, nil
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	said := strings.Join(strings.Fields(strings.ReplaceAll(string(text), secret, "[secret]")), " ")
	return answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode/100 == 5,
		fmt.Errorf("it answered %s: %s", answer.Status, contract.Clip(said, maxAnswer))
}
