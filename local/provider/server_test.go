package provider

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/structpb"
)

const crate = "urn:pulumi:dev::webstack::store:index:Box::crate"

// serve starts a provider for typ and returns a way to open connections to it, and its journal.
func serve(t *testing.T, typ func(config Values) Type) (func() pulumirpc.ResourceProviderClient, *Journal) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	journal := NewJournal()
	pkg := Package{
		Name: "store", Config: map[string]Prop{"region": {}, "strict": {Parsed: true}},
		Configure: func(_ context.Context, config Values) (*Instance, error) {
			return &Instance{Types: map[string]Type{"store:index:Box": typ(config)}, Functions: map[string]Function{
				"store:index:region": {Call: func(context.Context, Values) (Values, error) {
					return Values{"name": config.Str("region"), "strict": config.Bool("strict")}, nil
				}},
			}}, nil
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, pkg, journal) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serve: %v", err)
		}
	})
	return func() pulumirpc.ResourceProviderClient {
		conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return pulumirpc.NewResourceProviderClient(conn)
	}, journal
}

func configureClient(t *testing.T, client pulumirpc.ResourceProviderClient, config map[string]any) {
	t.Helper()
	if _, err := client.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: object(t, config)}); err != nil {
		t.Fatal(err)
	}
}

func object(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	out, err := structpb.NewStruct(values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachConnectionHasItsOwnConfiguration(t *testing.T) {
	t.Parallel()
	connect, _ := serve(t, func(Values) Type { return box() })
	one, two := connect(), connect()
	if _, err := one.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "store:index:region"}); err == nil ||
		!strings.Contains(err.Error(), "not configured") {
		t.Errorf("before configuration: %v", err)
	}
	configureClient(t, one, map[string]any{"region": "north", "strict": "true"})
	configureClient(t, two, map[string]any{"region": "south"})
	for client, want := range map[pulumirpc.ResourceProviderClient]string{one: "north", two: "south"} {
		got, err := client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "store:index:region"})
		if err != nil {
			t.Fatal(err)
		}
		if name := got.Return.Fields["name"].GetStringValue(); name != want {
			t.Errorf("region %q, want %q", name, want)
		}
		if strict := got.Return.Fields["strict"].GetBoolValue(); strict != (want == "north") {
			t.Errorf("strict is %v in %s", strict, want)
		}
	}
}

func TestUnknownThingsAreErrors(t *testing.T) {
	t.Parallel()
	connect, _ := serve(t, func(Values) Type { return box() })
	client := connect()
	configureClient(t, client, nil)
	_, err := client.Check(t.Context(), &pulumirpc.CheckRequest{Urn: "urn:pulumi:dev::webstack::store:index:Bag::b"})
	if err == nil || !strings.Contains(err.Error(), "does not support the resource type store:index:Bag") {
		t.Errorf("type: %v", err)
	}
	_, err = client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "store:index:weight"})
	if err == nil || !strings.Contains(err.Error(), "does not support the function store:index:weight") {
		t.Errorf("function: %v", err)
	}
	checked, err := client.CheckConfig(t.Context(), &pulumirpc.CheckRequest{News: object(t, map[string]any{"planet": "x"})})
	if err != nil || len(checked.Failures) != 1 || !strings.HasPrefix(checked.Failures[0].Reason, "planet:") {
		t.Errorf("setting: %v, %v", checked, err)
	}
	refused, err := client.Check(t.Context(), &pulumirpc.CheckRequest{
		Urn: crate, News: object(t, map[string]any{"size": 1, "content": "x", "weight": 3}),
	})
	if err != nil || len(refused.Failures) != 1 || !strings.HasPrefix(refused.Failures[0].Reason, "weight:") {
		t.Errorf("property: %v, %v", refused, err)
	}
}

func TestHalfMadeResourceIsKeptWithItsError(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{}, failing: errors.New("AccessDenied: no")}
	connect, journal := serve(t, func(Values) Type { return s.boxType() })
	client := connect()
	configureClient(t, client, nil)
	_, err := client.Create(t.Context(), &pulumirpc.CreateRequest{
		Urn: crate, Properties: object(t, map[string]any{"size": 1, "content": "x"}),
	})
	failure, ok := rpcerror.FromError(err)
	if !ok || !strings.Contains(failure.Message(), "AccessDenied: no") {
		t.Fatalf("error %v", err)
	}
	kept := slices.ContainsFunc(failure.Details(), func(detail any) bool {
		partial, ok := detail.(*pulumirpc.ErrorResourceInitFailed)
		return ok && partial.Id == "1" && partial.Properties.Fields["content"].GetStringValue() == "x"
	})
	if !kept {
		t.Errorf("details %v", failure.Details())
	}
	if id, ok, err := journal.Created(t.Context(), crate); id != "1" || !ok || err != nil {
		t.Errorf("journal: %q, %v, %v", id, ok, err)
	}
}

func TestSecretOutputsAreMarked(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{}}
	connect, _ := serve(t, func(Values) Type { return s.boxType() })
	client := connect()
	configureClient(t, client, nil)
	made, err := client.Create(t.Context(), &pulumirpc.CreateRequest{
		Urn: crate, Properties: object(t, map[string]any{"size": 1, "content": "x", "token": "hush"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	wrapped := made.Properties.Fields["token"].GetStructValue()
	if wrapped == nil || wrapped.Fields[resource.SigKey].GetStringValue() != resource.SecretSig {
		t.Errorf("token comes back as %v", made.Properties.Fields["token"])
	}
}

// An engine that dies during a creation leaves the resource to the journal, which waits for it.
func TestCreationOutlivesTheEngineThatAskedForIt(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{}}
	started, finish := make(chan struct{}), make(chan struct{})
	connect, journal := serve(t, func(Values) Type {
		typ := s.boxType()
		create := typ.Create
		typ.Create = func(ctx context.Context, in Values) (string, error) {
			close(started)
			<-finish
			if err := ctx.Err(); err != nil {
				return "", err
			}
			return create(ctx, in)
		}
		return typ
	})
	client := connect()
	configureClient(t, client, nil)
	engine, kill := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = client.Create(engine, &pulumirpc.CreateRequest{
			Urn: crate, Properties: object(t, map[string]any{"size": 1, "content": "x"}),
		})
	}()
	<-started
	kill()
	<-gone
	hurried, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := journal.Created(hurried, crate); !errors.Is(err, context.Canceled) {
		t.Errorf("while the creation runs, the journal answers %v", err)
	}
	close(finish)
	if id, ok, err := journal.Created(t.Context(), crate); id != "1" || !ok || err != nil {
		t.Errorf("journal: %q, %v, %v", id, ok, err)
	}
	if _, err := client.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: "1", Urn: crate}); err != nil {
		t.Fatal(err)
	}
	if id, ok, _ := journal.Created(t.Context(), crate); ok {
		t.Errorf("deleted, yet in the journal as %q", id)
	}
}

func TestImportFindsTheResourceByAnotherID(t *testing.T) {
	t.Parallel()
	s := &shelf{boxes: map[string]Values{"7": {"size": 3.0, "arn": "arn:7"}}}
	connect, _ := serve(t, func(Values) Type {
		typ := s.boxType()
		typ.Import = func(_ context.Context, id string) (string, Values, error) {
			if id != "red/7" {
				return "", nil, ErrGone
			}
			return "7", Values{"color": "red"}, nil
		}
		return typ
	})
	client := connect()
	configureClient(t, client, nil)
	found, err := client.Read(t.Context(), &pulumirpc.ReadRequest{Urn: crate, Id: "red/7"})
	if err != nil || found.Id != "7" || found.Properties.Fields["arn"].GetStringValue() != "arn:7" {
		t.Errorf("found %v, error %v", found, err)
	}
	missing, err := client.Read(t.Context(), &pulumirpc.ReadRequest{Urn: crate, Id: "red/8"})
	if err != nil || missing.Id != "" {
		t.Errorf("found %v, error %v", missing, err)
	}
}

func TestTypeMayReplaceOnAConditionOfItsOwn(t *testing.T) {
	t.Parallel()
	connect, _ := serve(t, func(Values) Type {
		typ := box()
		typ.Replaces = func(_ context.Context, old, news Values) []string {
			if old.Str("color") == "white" && news.Str("color") != "white" {
				return []string{"color"}
			}
			return nil
		}
		return typ
	})
	client := connect()
	configureClient(t, client, nil)
	for _, test := range []struct {
		old, new string
		replaces []string
	}{{"white", "red", []string{"color"}}, {"red", "white", nil}} {
		got, err := client.Diff(t.Context(), &pulumirpc.DiffRequest{
			Urn: crate, Id: "1", OldInputs: object(t, map[string]any{"color": test.old}),
			News: object(t, map[string]any{"color": test.new}),
		})
		if err != nil || !slices.Equal(got.Diffs, []string{"color"}) || !slices.Equal(got.Replaces, test.replaces) {
			t.Errorf("%s to %s: %v, error %v", test.old, test.new, got, err)
		}
	}
}

func TestDiffLeavesOutIgnoredChanges(t *testing.T) {
	t.Parallel()
	connect, _ := serve(t, func(Values) Type { return box() })
	client := connect()
	configureClient(t, client, nil)
	for ignored, want := range map[string]pulumirpc.DiffResponse_DiffChanges{
		"size": pulumirpc.DiffResponse_DIFF_NONE, "color": pulumirpc.DiffResponse_DIFF_SOME,
	} {
		got, err := client.Diff(t.Context(), &pulumirpc.DiffRequest{
			Urn: crate, IgnoreChanges: []string{ignored},
			OldInputs: object(t, map[string]any{"size": 1}), News: object(t, map[string]any{"size": 2}),
		})
		if err != nil || got.Changes != want || len(got.Replaces) > 0 != (want == pulumirpc.DiffResponse_DIFF_SOME) {
			t.Errorf("ignoring %s: %v, %v", ignored, got, err)
		}
	}
}
