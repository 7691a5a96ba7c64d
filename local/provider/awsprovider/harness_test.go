package awsprovider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	"webstack/local/provider"
)

// startLimit bounds how long the emulator may take to answer for the first time.
const startLimit = 2 * time.Minute

// account is the one emulated account of this test run, with a provider server in front of it.
var account struct {
	endpoint string // of the AWS API
	provider string // address of the provider's gRPC server
}

func TestMain(m *testing.M) {
	code, err := runWithAccount(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runWithAccount(m *testing.M) (int, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	endpoint, stop, err := startEmulator(ctx)
	if err != nil {
		return 1, err
	}
	defer stop()
	account.endpoint = endpoint
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 1, err
	}
	account.provider = listener.Addr().String()
	go func() { _ = provider.Serve(ctx, listener, Package(endpoint), provider.NewJournal()) }()
	return m.Run(), nil
}

// startEmulator starts moto on a free port and waits until it answers.
func startEmulator(ctx context.Context) (endpoint string, stop func(), err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		return "", nil, err
	}
	_ = free.Close()
	command := exec.CommandContext(ctx, "moto_server", "-H", "127.0.0.1", "-p", port)
	command.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	if err := command.Start(); err != nil {
		return "", nil, fmt.Errorf("start moto_server (pip install 'moto[server]'): %w", err)
	}
	var outcome error
	exited := make(chan struct{})
	go func() { outcome = command.Wait(); close(exited) }()
	stop = func() { _ = command.Process.Kill(); <-exited }
	endpoint = "http://127.0.0.1:" + port
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	err = until(ctx, "moto answers", func() (bool, error) {
		select {
		case <-exited:
			return false, fmt.Errorf("run moto_server: it stopped at once: %w", outcome)
		default:
		}
		answer, err := http.Get(endpoint + "/moto-api/")
		if err != nil {
			return false, nil
		}
		return answer.StatusCode == http.StatusOK, answer.Body.Close()
	})
	if err != nil {
		return "", nil, err
	}
	return endpoint, stop, nil
}

// engine speaks to the provider as Pulumi's engine does.
type engine struct {
	t      *testing.T
	client pulumirpc.ResourceProviderClient
	// name is the name of the engine's resources, and of what else must be unique in the account: no other engine
	// has it, not even when a test runs twice.
	name string
}

// newEngine configures a provider with the default tag "stack" over a connection of its own.
func newEngine(t *testing.T) *engine {
	t.Helper()
	conn, err := grpc.NewClient(account.provider, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	e := &engine{
		t: t, client: pulumirpc.NewResourceProviderClient(conn), name: fmt.Sprintf("test-%08x", rand.Uint32()),
	}
	_, err = e.client.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: e.encode(provider.Values{
		"region": "eu-central-1", "defaultTags": `{"tags":{"stack":"test"}}`,
	})})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// testClients are clients of the emulated account, for tests that look or tamper behind the provider's back.
func testClients(t *testing.T) *clients {
	t.Helper()
	c, err := newClients(t.Context(), account.endpoint, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made is a resource that a test has created.
type made struct {
	engine          *engine
	token, id       string
	inputs, outputs provider.Values
}

func (e *engine) urn(token string) string {
	return "urn:pulumi:test::webstack::" + token + "::" + e.name
}

// check returns the checked inputs and what is wrong with them.
func (e *engine) check(token string, old, inputs provider.Values) (provider.Values, []string) {
	e.t.Helper()
	got, err := e.client.Check(e.t.Context(), &pulumirpc.CheckRequest{
		Urn: e.urn(token), Olds: e.encode(old), News: e.encode(inputs), RandomSeed: []byte(e.name + token),
	})
	if err != nil {
		e.t.Fatalf("check %s: %v", token, err)
	}
	var problems []string
	for _, failure := range got.Failures {
		problems = append(problems, failure.Reason)
	}
	return e.decode(got.Inputs), problems
}

// checked is check for inputs that must be good.
func (e *engine) checked(token string, old, inputs provider.Values) provider.Values {
	e.t.Helper()
	in, problems := e.check(token, old, inputs)
	if len(problems) > 0 {
		e.t.Fatalf("check %s: %s", token, strings.Join(problems, "; "))
	}
	return in
}

// create makes a resource and deletes it again at the end of the test.
func (e *engine) create(token string, inputs provider.Values) *made {
	e.t.Helper()
	r, err := e.tryCreate(token, inputs)
	if err != nil {
		e.t.Fatalf("create %s: %v", token, err)
	}
	return r
}

// tryCreate is create for what may fail.
func (e *engine) tryCreate(token string, inputs provider.Values) (*made, error) {
	e.t.Helper()
	in := e.checked(token, nil, inputs)
	got, err := e.client.Create(e.t.Context(), &pulumirpc.CreateRequest{Urn: e.urn(token), Properties: e.encode(in)})
	if err != nil {
		return nil, err
	}
	r := &made{engine: e, token: token, id: got.Id, inputs: in, outputs: e.decode(got.Properties)}
	e.t.Cleanup(func() {
		if r.id != "" {
			r.delete(context.WithoutCancel(e.t.Context()))
		}
	})
	return r, nil
}

// previewed returns what a preview says a new resource will look like.
func (e *engine) previewed(token string, inputs provider.Values) provider.Values {
	e.t.Helper()
	in := e.checked(token, nil, inputs)
	got, err := e.client.Create(e.t.Context(), &pulumirpc.CreateRequest{
		Urn: e.urn(token), Properties: e.encode(in), Preview: true,
	})
	if err != nil {
		e.t.Fatalf("preview %s: %v", token, err)
	}
	return e.decode(got.Properties)
}

// invoke calls a function.
func (e *engine) invoke(token string, args provider.Values) (provider.Values, error) {
	e.t.Helper()
	got, err := e.client.Invoke(e.t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: e.encode(args)})
	if err != nil {
		return nil, err
	}
	for _, failure := range got.Failures {
		return nil, errors.New(failure.Reason)
	}
	return e.decode(got.Return), nil
}

// diff compares the resource's inputs with new, checked ones.
func (r *made) diff(news provider.Values) *pulumirpc.DiffResponse {
	e := r.engine
	e.t.Helper()
	got, err := e.client.Diff(e.t.Context(), &pulumirpc.DiffRequest{
		Urn: e.urn(r.token), Id: r.id, Olds: e.encode(r.outputs), OldInputs: e.encode(r.inputs), News: e.encode(news),
	})
	if err != nil {
		e.t.Fatalf("diff %s: %v", r.token, err)
	}
	return got
}

// update brings the resource to new inputs in place.
func (r *made) update(inputs provider.Values) {
	e := r.engine
	e.t.Helper()
	in := e.checked(r.token, r.inputs, inputs)
	got, err := e.client.Update(e.t.Context(), &pulumirpc.UpdateRequest{
		Urn: e.urn(r.token), Id: r.id, Olds: e.encode(r.outputs), OldInputs: e.encode(r.inputs), News: e.encode(in),
	})
	if err != nil {
		e.t.Fatalf("update %s: %v", r.token, err)
	}
	r.inputs, r.outputs = in, e.decode(got.Properties)
}

// refresh reads the resource; id is empty when it is gone.
func (r *made) refresh() (id string, inputs, outputs provider.Values) {
	r.engine.t.Helper()
	return r.engine.read(r.token, r.id, r.inputs, r.outputs)
}

func (e *engine) read(token, id string, inputs, outputs provider.Values) (string, provider.Values, provider.Values) {
	e.t.Helper()
	got, err := e.client.Read(e.t.Context(), &pulumirpc.ReadRequest{
		Urn: e.urn(token), Id: id, Inputs: e.encode(inputs), Properties: e.encode(outputs),
	})
	if err != nil {
		e.t.Fatalf("read %s %s: %v", token, id, err)
	}
	return got.Id, e.decode(got.Inputs), e.decode(got.Properties)
}

// delete removes the resource and fails the test when that fails.
func (r *made) delete(ctx context.Context) {
	r.engine.t.Helper()
	if err := r.tryDelete(ctx); err != nil {
		r.engine.t.Errorf("delete %s: %v", r.token, err)
	}
	r.id = ""
}

func (r *made) tryDelete(ctx context.Context) error {
	e := r.engine
	_, err := e.client.Delete(ctx, &pulumirpc.DeleteRequest{
		Urn: e.urn(r.token), Id: r.id, Properties: e.encode(r.outputs), OldInputs: e.encode(r.inputs),
	})
	return err
}

// encode turns plain values into the engine's form.
func (e *engine) encode(values provider.Values) *structpb.Struct {
	e.t.Helper()
	if values == nil {
		return nil
	}
	wire := maps.Clone(values)
	for key, value := range wire {
		if value == (provider.Unknown{}) {
			wire[key] = plugin.UnknownStringValue
		}
	}
	text, err := json.Marshal(wire)
	if err != nil {
		e.t.Fatal(err)
	}
	out := &structpb.Struct{}
	if err := protojson.Unmarshal(text, out); err != nil {
		e.t.Fatal(err)
	}
	return out
}

// decode is the inverse of encode; secrets are unwrapped.
func (e *engine) decode(properties *structpb.Struct) provider.Values {
	if properties == nil {
		return nil
	}
	return plain(properties.AsMap()).(provider.Values)
}

func plain(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value[resource.SigKey] == resource.SecretSig {
			return plain(value["value"])
		}
		out := provider.Values{}
		for key, item := range value {
			out[key] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = plain(item)
		}
		return out
	case string:
		if value == plugin.UnknownStringValue {
			return provider.Unknown{}
		}
	}
	return value
}
