package providertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"webstack/local/provider"
)

// Server is a provider that answers on a port of its own.
type Server struct {
	address string
	types   map[string]provider.Type
}

// Serve serves pkg, which has these types, until ctx ends.
func Serve(ctx context.Context, pkg provider.Package, types map[string]provider.Type) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for engines: %w", err)
	}
	go func() { _ = provider.Serve(ctx, listener, pkg, provider.NewJournal()) }()
	return &Server{address: listener.Addr().String(), types: types}, nil
}

// ServeFor serves pkg for one test, until its resources are deleted.
func ServeFor(t *testing.T, pkg provider.Package, types map[string]provider.Type) *Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(cancel) // runs last of the test's cleanups
	server, err := Serve(ctx, pkg, types)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Engine speaks to a provider as Pulumi's engine does. Whatever goes wrong that a test does not ask for fails the test.
type Engine struct {
	T      *testing.T
	Client pulumirpc.ResourceProviderClient
	// Name is the name of the engine's resources, and of what else must be unique: no other engine has it, not even
	// when a test runs twice.
	Name  string
	types map[string]provider.Type
}

// Engine configures the provider over a connection of its own.
func (s *Server) Engine(t *testing.T, config provider.Values) *Engine {
	t.Helper()
	conn, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	e := &Engine{
		T: t, Client: pulumirpc.NewResourceProviderClient(conn), Name: fmt.Sprintf("test-%08x", rand.Uint32()),
		types: s.types,
	}
	if _, err := e.Client.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: e.Encode(config)}); err != nil {
		t.Fatal(err)
	}
	return e
}
