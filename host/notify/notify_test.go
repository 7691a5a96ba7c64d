package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webstack/contract"
)

const (
	resendKey = "re_canary_12345"
	secret    = "canary-path"

	slackParam  = "/webstack/dev/notify/slack-webhook-url"
	resendParam = "/webstack/dev/notify/resend-api-key"
)

// service is a fake Slack and Resend.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	got    []string // path, authorization and body of each request
	answer func(n int) (status int, body string)
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{answer: func(int) (int, string) { return http.StatusOK, "ok" }}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %q, %v", r.URL, body, err)
		}
		s.mu.Lock()
		s.got = append(s.got, strings.Join(strings.Fields(r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body)), " "))
		status, text := s.answer(len(s.got))
		s.mu.Unlock()
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s
}

// store is a Parameter Store.
type store struct {
	values map[string]string
	err    error
}

func (s store) ByName(context.Context, []string) (map[string]string, map[string]error, error) {
	return s.values, nil, s.err
}

// send sends an event and returns what was printed.
func (s *service) send(ctx context.Context, t *testing.T, to contract.Notify, e Event, from store) string {
	t.Helper()
	var out strings.Builder
	Sender{
		Manifest:   contract.Manifest{Project: "webstack", Stack: "dev", Notify: to},
		Parameters: func(context.Context) (Parameters, error) { return from, nil },
		Out:        &out, ResendURL: s.URL + "/emails",
	}.Send(ctx, e)
	if strings.Contains(out.String(), secret) || strings.Contains(out.String(), resendKey) {
		t.Errorf("printed a secret: %s", out.String())
	}
	return out.String()
}

// secrets are those of a stack that tells everybody.
func (s *service) secrets() store {
	return store{values: map[string]string{slackParam: s.URL + "/" + secret, resendParam: resendKey}}
}

var (
	slack     = contract.Notify{Slack: true}
	email     = contract.Notify{EmailFrom: "webstack@example.com", EmailTo: "ops@example.com"}
	everybody = contract.Notify{Slack: true, EmailFrom: email.EmailFrom, EmailTo: email.EmailTo}

	failed = Event{What: "deploy of shop failed", Reason: `it exited with <3> & "x"`, Next: "Deploy again."}
)

func TestMessages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to    contract.Notify
		event Event
		want  string
	}{
		"Slack": {slack, failed, `/canary-path {"text":"*webstack/dev: deploy of shop failed*\n` +
			"```it exited with &lt;3&gt; &amp; \\\"x\\\"```\\nDeploy again.\"}"},
		"Slack, only a title": {slack, Event{What: "it works again"}, `/canary-path {"text":"*webstack/dev: it works again*"}`},
		"Slack, a reason with marks": {slack, Event{What: "x", Reason: "```<!channel>```"},
			`/canary-path {"text":"*webstack/dev: x*\n` + "```'''&lt;!channel&gt;'''```\"}"},
		"e-mail": {email, failed, `/emails Bearer re_canary_12345 {"from":"webstack@example.com",` +
			`"subject":"webstack/dev: deploy of shop failed","text":"webstack/dev: deploy of shop failed.\n\n` +
			`it exited with <3> & \"x\"\n\nDeploy again.\n","to":["ops@example.com"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			if out := s.send(t.Context(), t, c.to, c.event, s.secrets()); out != "" {
				t.Errorf("printed %q", out)
			}
			got := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(strings.Join(s.got, "\n"))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNobodyToTell(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if out := s.send(t.Context(), t, contract.Notify{}, failed, store{err: errors.New("denied")}); out != "" || len(s.got) > 0 {
		t.Errorf("sent %q, printed %q", s.got, out)
	}
}

// A message that may have been taken is not sent again: people hear of each event once.
func TestProblemsOfServices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer   func(n int) (int, string)
		requests int
		want     string
	}{
		"busy once": {func(n int) (int, string) { return map[bool]int{true: 429, false: 200}[n == 1], "" }, 2, ""},
		"down":      {func(int) (int, string) { return 503, "try later" }, 3, "was not sent: it answered 503 Service Unavailable: try later"},
		"revoked":   {func(int) (int, string) { return 404, "no_service" }, 1, "was not sent: it answered 404 Not Found: no_service"},
		"telling":   {func(int) (int, string) { return 400, "what is\n" + resendKey }, 1, "400 Bad Request: what is [secret]"},
		"moved":     {func(int) (int, string) { return 307, "" }, 1, "it answered 307"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.answer = c.answer
			out := s.send(t.Context(), t, email, failed, s.secrets())
			if len(s.got) != c.requests || (c.want == "") != (out == "") || !strings.Contains(out, c.want) {
				t.Errorf("%d requests, printed %q", len(s.got), out)
			}
		})
	}
}

// One message that cannot be sent does not stop the other.
func TestProblemsWithOneMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		webhook, key string
		err          error
		sent         int
		want         string
	}{
		"connection refused": {"http://127.0.0.1:1/" + secret, resendKey, nil, 1,
			"the notification to Slack was not sent: dial tcp 127.0.0.1:1"},
		"not an address": {"http://[" + secret, resendKey, nil, 1,
			"the notification to Slack was not sent: the address is not valid"},
		"a missing parameter": {"", resendKey, nil, 1, "parameter " + slackParam + " does not exist; run pulumi up --refresh"},
		"no Parameter Store":  {"", "", errors.New("denied"), 0, "no notification was sent: denied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			from := store{values: map[string]string{slackParam: c.webhook, resendParam: c.key}, err: c.err}
			if out := s.send(t.Context(), t, everybody, failed, from); len(s.got) != c.sent || !strings.Contains(out, c.want) {
				t.Errorf("%d requests, printed %q", len(s.got), out)
			}
		})
	}
}

func TestLongReasonsAreCut(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.send(t.Context(), t, everybody, Event{What: "x", Reason: strings.Repeat("é", maxReason)}, s.secrets())
	if len(s.got) != 2 || len(s.got[0]) > 2*maxReason || len(s.got[1]) > 2*maxReason {
		t.Errorf("sent %d messages: %.200q", len(s.got), s.got)
	}
}

// A command that was cancelled still tells people.
func TestCancelledCommand(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out := s.send(ctx, t, everybody, failed, s.secrets()); len(s.got) != 2 || out != "" {
		t.Errorf("%d messages, printed %q", len(s.got), out)
	}
}
