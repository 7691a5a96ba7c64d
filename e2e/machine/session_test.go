package machine

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	client "webstack/internal/operate/session"

	"webstack/local/session"
)

// sessions serves sessions on the machine, and returns the config of their clients.
func (l *laptop) sessions(instanceID string) aws.Config {
	manager := session.New(session.Options{Machines: l.Engine})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, session.Path) {
			manager.ServeHTTP(w, r)
			return
		}
		var in struct{ Parameters map[string][]string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			l.t.Error(err)
		}
		spec := session.Spec{Target: instanceID, Owner: "arn:aws:iam::123456789012:user/me", Kind: session.Shell}
		if command := in.Parameters["command"]; len(command) > 0 {
			spec.Kind, spec.Command = session.NonInteractive, command[0]
		}
		id, token := manager.Start(spec)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"SessionId": id, "TokenValue": token, "StreamUrl": "ws://" + r.Host + session.Path + id,
		})
	}))
	l.t.Cleanup(func() {
		manager.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "not-a-secret", ""),
	}
}

// ask runs a command in a session.
func (l *laptop) ask(config aws.Config, instanceID, command, typed string) (code int, output string) {
	l.t.Helper()
	var out strings.Builder
	code, err := client.Open(l.t.Context(), config, instanceID, client.Options{
		Command: command, Stdin: strings.NewReader(typed), Stdout: &out, Stderr: &out,
	})
	if err != nil {
		l.t.Errorf("%q: %v", command, err)
	}
	return code, out.String()
}

func TestSessions(t *testing.T) {
	l := open(t)
	id := l.boot(l.spec())
	config := l.sessions(id)
	// The first sessions all try to create the user.
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if code, out := l.ask(config, id, `id -un; id -Gn; echo "$HOME"; pwd; sudo id -un; exit 3`, ""); code != 3 ||
				out != "ssm-user\nssm-user\n/home/ssm-user\n/\nroot\n" {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
	group.Wait()
	if code, out := l.ask(config, id, "stat -c '%a %U' /etc/sudoers.d/*; cat /etc/shadow", ""); code == 0 ||
		!strings.Contains(out, "440 root\n") || !strings.Contains(out, "Permission denied") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, out := l.ask(config, id, "", "tty; echo $TERM $(id -un); exit\n"); !strings.Contains(out, "/dev/pts/") ||
		!strings.Contains(out, "xterm-256color ssm-user") {
		t.Errorf("the shell shows %s", out)
	}
	// Without sudo, ssm-user could do nothing.
	l.ask(config, id, "sudo mv /usr/bin/sudo /usr/bin/sudo.away", "")
	if _, out := l.ask(config, id, `id -un; echo "$HOME"`, ""); out != "root\n/root\n" {
		t.Errorf("without sudo: %s", out)
	}
}
