package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/coder/websocket"

	"webstack/internal/datachannel"
	operator "webstack/internal/operate/session"
	"webstack/local/machine"
	"webstack/local/session"
	"webstack/local/session/sessiontest"
)

const target = "i-0123456789abcdef0"

// service is Session Manager with one machine, or with an agent that the test plays.
type service struct {
	t       *testing.T
	manager *session.Manager
	// agent takes the place of the manager's.
	agent func(ctx context.Context, s *datachannel.Stream)
	stage *datachannel.Stream

	mu     sync.Mutex
	calls  []call
	conns  []*websocket.Conn
	server *httptest.Server
	signed []string // how the requests for WebSockets were signed
}

type call struct {
	action string
	input  map[string]any
}

func newService(t *testing.T) *service {
	t.Helper()
	machines := sessiontest.New(t.TempDir())
	if err := machines.Boot(t.Context(), machine.Spec{InstanceID: target}); err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, manager: session.New(session.Options{Machines: machines})}
	s.server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.manager.Close()
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// played returns a service whose agent the test plays.
func played(t *testing.T, agent func(ctx context.Context, s *datachannel.Stream)) *service {
	s := newService(t)
	s.agent, s.stage = agent, datachannel.NewStream(datachannel.Output, datachannel.Input)
	go agent(t.Context(), s.stage)
	return s
}

func (s *service) config() aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &s.server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "not-a-secret", ""),
	}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, session.Path) {
		s.mu.Lock()
		s.signed = append(s.signed, r.Header.Get("Authorization"))
		s.mu.Unlock()
		s.channel(w, r)
		return
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	input := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&input); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	s.calls = append(s.calls, call{action, input})
	s.mu.Unlock()
	id, _ := input["SessionId"].(string)
	token, err := "token", error(nil)
	switch action {
	case "StartSession":
		if input["Target"] != target {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type": "TargetNotConnected", "message": "i-1 is not connected."}`))
			return
		}
		id, token = s.start(input)
	case "ResumeSession":
		if s.agent == nil {
			token, err = s.manager.Resume(id)
		}
	case "TerminateSession":
		if s.agent == nil {
			err = s.manager.Terminate(id)
		}
	}
	if err != nil {
		s.t.Error(err)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{
		"SessionId": id, "TokenValue": token, "StreamUrl": strings.Replace(s.server.URL, "http", "ws", 1) + session.Path + id,
	})
}

func (s *service) start(input map[string]any) (id, token string) {
	spec := session.Spec{Target: target, Kind: session.Shell, Owner: "arn:aws:iam::123456789012:user/me"}
	if parameters, ok := input["Parameters"].(map[string]any); ok {
		spec.Command = parameters["command"].([]any)[0].(string)
		spec.Kind = session.NonInteractive
		if input["DocumentName"] == "AWS-StartInteractiveCommand" {
			spec.Kind = session.Interactive
		}
	}
	if s.agent != nil {
		return "played", "token"
	}
	return s.manager.Start(spec)
}

// channel serves a data channel, by a connection that the test can break.
func (s *service) channel(w http.ResponseWriter, r *http.Request) {
	if s.agent == nil {
		s.manager.ServeHTTP(w, r)
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer func() { _ = conn.CloseNow() }()
	var open datachannel.OpenInput
	_, text, err := conn.Read(r.Context())
	if err != nil || json.Unmarshal(text, &open) != nil || open.TokenValue != "token" || open.MessageSchemaVersion != "1.0" ||
		len(open.RequestID) != 36 || open.ClientID == "" || open.ClientVersion == "" {
		s.t.Errorf("the client opened with %s, %v", text, err)
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	_ = s.stage.Run(r.Context(), conn)
}

// cut breaks the newest connection.
func (s *service) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conns[len(s.conns)-1].CloseNow()
}

func (s *service) called(action string) (inputs []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.action == action {
			inputs = append(inputs, c.input)
		}
	}
	return inputs
}

// screen is where output goes, which may be looked at meanwhile.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(data)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) wait(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in %q", text, s.String())
		}
	}
}

// window is a Window that the test resizes.
type window struct {
	sizes chan operator.Size
	raw   bool
}

func (w *window) Raw(context.Context) (<-chan operator.Size, error) {
	w.raw = true
	return w.sizes, nil
}

func (w *window) Restore() error {
	w.raw = false
	return nil
}
