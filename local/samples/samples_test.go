package samples

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"webstack/config"
	"webstack/contract"
	"webstack/internal/operate"
)

// account answers AWS calls, by the name of the action, and remembers them.
type account struct {
	mu      sync.Mutex
	answers map[string]func(in map[string]any) any
	calls   []string
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	in := map[string]any{}
	_ = json.NewDecoder(r.Body).Decode(&in)
	a.mu.Lock()
	defer a.mu.Unlock()
	answer, ok := a.answers[action]
	if !ok {
		http.Error(w, "no answer to "+action, http.StatusNotImplemented)
		return
	}
	if action == "PutParameter" || action == "StartAssociationsOnce" {
		a.calls = append(a.calls, fmt.Sprint(action, " ", in["Name"], in["Value"]))
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer(in))
}

// stack returns the stack local of apps in an account that answers so.
func stack(t *testing.T, a *account, apps ...string) *operate.Stack {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	s := &operate.Stack{
		Project: "webstack", Name: "local", Config: &config.Config{},
		AWS: aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String(server.URL),
			Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
		},
	}
	for _, app := range apps {
		s.Config.Apps = append(s.Config.Apps, config.App{Name: app})
	}
	return s
}

func TestAppsWithoutReleaseGetTheDemo(t *testing.T) {
	t.Parallel()
	store := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer store.Close()
	token := base64.StdEncoding.EncodeToString([]byte("AWS:token"))
	a := &account{answers: map[string]func(map[string]any) any{
		"GetAuthorizationToken": func(map[string]any) any {
			return map[string]any{"authorizationData": []any{map[string]any{"authorizationToken": token}}}
		},
		"GetParameters": func(in map[string]any) any {
			missing, found := []any{}, []any{}
			names := in["Names"].([]any)
			if len(names) > 10 {
				t.Errorf("asked for %d parameters at once", len(names))
			}
			for _, name := range names {
				switch name {
				case "/webstack/local/apps/app00/release":
					found = append(found, map[string]any{"Name": name, "Value": "v1"})
				case "/webstack/local/apps/app03/release": // as the program makes it
					found = append(found, map[string]any{"Name": name, "Value": contract.NoRelease})
				default:
					missing = append(missing, name)
				}
			}
			return map[string]any{"InvalidParameters": missing, "Parameters": found}
		},
	}}
	var apps []string
	repositories := map[string]string{}
	for i := range 12 {
		app := fmt.Sprintf("app%02d", i)
		apps = append(apps, app)
		repositories[app] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/webstack-local/" + app
	}
	s := stack(t, a, apps...)
	got, err := Unreleased(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(apps[1:], got); diff != "" {
		t.Fatalf("without a release (-want +got):\n%s", diff)
	}
	image, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(store.URL, "http://")
	var deployed []string
	deploy := func(_ context.Context, app, tag string) error {
		deployed = append(deployed, app+" "+tag)
		return nil
	}
	if err := Release(t.Context(), s, got[:2], repositories, address, image, "demo-1", deploy); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app01 demo-1", "app02 demo-1"}, deployed); diff != "" {
		t.Errorf("deployed (-want +got):\n%s", diff)
	}
	resp, err := http.Get(store.URL + "/v2/webstack-local/app02/manifests/demo-1")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the image is not in the registry: %s", resp.Status)
	}

	deployed = nil
	if err := Release(t.Context(), s, []string{"gone"}, repositories, address, image, "demo-1", deploy); err == nil ||
		!strings.Contains(err.Error(), "gone") {
		t.Errorf("an app without a repository: %v", err)
	}
	failing := func(context.Context, string, string) error { return errors.New("never healthy") }
	if err := Release(t.Context(), s, got[:1], repositories, address, image, "demo-1", failing); err == nil ||
		!strings.Contains(err.Error(), "app01: never healthy") {
		t.Errorf("a deploy that fails: %v", err)
	}
	store.Close()
	if err := Release(t.Context(), s, got[:1], repositories, address, image, "demo-1", deploy); err == nil {
		t.Error("a registry that does not answer is not an error")
	}
	if len(deployed) != 0 {
		t.Errorf("deployed without an image: %v", deployed)
	}
}

// converging returns an account with an association whose runs are "status version" each, the newest last. While a run
// is Early, it has not reached the step converge.
func converging(runs func() []string) *account {
	step := map[string]any{"Name": "converge", "Status": "Failed", "ResponseCode": 3}
	list := func(items ...any) any { return items }
	return &account{answers: map[string]func(map[string]any) any{
		"ListAssociations": func(map[string]any) any {
			return map[string]any{"Associations": list(map[string]any{"AssociationId": "a-1", "AssociationVersion": "2"})}
		},
		"StartAssociationsOnce": func(map[string]any) any { return map[string]any{} },
		"DescribeAssociationExecutions": func(map[string]any) any {
			var out []any
			for i, run := range runs() {
				status, version, _ := strings.Cut(run, " ")
				if status == "Early" {
					status, step["Status"], step["ResponseCode"] = "InProgress", "Pending", -1
				}
				out = append(out, map[string]any{
					"ExecutionId": fmt.Sprint("e-", i), "Status": status, "AssociationVersion": version, "CreatedTime": 1000 + i,
				})
			}
			return map[string]any{"AssociationExecutions": out}
		},
		"DescribeAssociationExecutionTargets": func(map[string]any) any {
			return map[string]any{"AssociationExecutionTargets": list(map[string]any{
				"ResourceId": "i-1", "OutputSource": map[string]any{"OutputSourceId": "c-1"},
			})}
		},
		"ListCommandInvocations": func(map[string]any) any {
			return map[string]any{"CommandInvocations": list(map[string]any{
				"CommandId": "c-1", "InstanceId": "i-1", "CommandPlugins": list(
					map[string]any{"Name": "docker", "Status": "Success", "ResponseCode": 0},
					step,
				),
			})}
		},
		"GetCommandInvocation": func(in map[string]any) any {
			return map[string]any{
				"StandardOutputContent": strings.Repeat("earlier\n", 50) + "pulling the image",
				"StandardErrorContent":  fmt.Sprint(in["PluginName"], ": no space left"),
			}
		},
	}}
}

// sequence answers with one state after the other, and repeats the last.
func sequence(states ...[]string) func() []string {
	i := -1
	return func() []string {
		i = min(i+1, len(states)-1)
		return states[i]
	}
}

func TestConverge(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changed bool
		states  [][]string
		started int
		fails   bool
	}{
		"nothing to do":                      {false, [][]string{{"Success 2"}}, 0, false},
		"waits for the first run":            {false, [][]string{{}, {}, {"Pending 2"}, {"Success 2"}}, 0, false},
		"waits for the changed association":  {false, [][]string{{"Success 1"}, {"Success 1"}, {"Success 1", "Success 2"}}, 0, false},
		"starts a run after a change":        {true, [][]string{{"Success 2"}, {"Success 2"}, {"Success 2", "Success 2"}}, 1, false},
		"runs again what failed":             {false, [][]string{{"Failed 2"}, {"Failed 2"}, {"Failed 2", "Success 2"}}, 1, false},
		"waits for a run in progress":        {true, [][]string{{"InProgress 2"}, {"Success 2"}, {"Success 2", "Success 2"}}, 1, false},
		"a run that has not come to it":      {true, [][]string{{"Early 2"}, {"Early 2"}, {"Success 2"}}, 0, false},
		"a changed association runs anyway":  {true, [][]string{{"Success 1"}, {"Success 1", "Success 2"}}, 0, false},
		"the first run starts on its own":    {true, [][]string{{}, {}, {"Success 2"}}, 0, false},
		"a run that fails is a failure":      {true, [][]string{{"Success 2"}, {"Success 2", "Failed 2"}}, 1, true},
		"a run that fails without a request": {false, [][]string{{}, {"Failed 2"}}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := converging(sequence(test.states...))
			err := Converge(t.Context(), stack(t, a), test.changed, func(string) {})
			if len(a.calls) != test.started {
				t.Errorf("calls %v, want %d runs started", a.calls, test.started)
			}
			if !test.fails {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "step converge") ||
				!strings.HasSuffix(err.Error(), "pulling the image\nconverge: no space left") || strings.Count(err.Error(), "earlier") > 20 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestConvergeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	err := Converge(ctx, stack(t, converging(func() []string {
		if asked++; asked == 3 {
			cancel()
		}
		return []string{"InProgress 2"}
	})), false, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "wait until the host") {
		t.Errorf("got %v", err)
	}
}

func TestVisitorWaitsForASuccessOverTrustedTLS(t *testing.T) {
	t.Parallel()
	var asked int
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 3 || r.Host != "example.com" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	trusting := Visitor{Address: server.Listener.Addr().String(), Roots: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if err := trusting.Wait(t.Context(), "https://example.com/health"); err != nil || asked != 3 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	trusting.Roots = nil
	if err := trusting.Wait(ctx, "https://example.com/health"); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without trust: %v", err)
	}
}
