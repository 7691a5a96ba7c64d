package provider

import (
	"context"
	"fmt"
	"net"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// maxMessage is the engine's own limit for one gRPC message, in bytes (400 MiB); states and assets are large.
const maxMessage = 400 << 20

// Serve answers engines on listener with pkg until ctx ends. What it creates is recorded in journal.
func Serve(ctx context.Context, listener net.Listener, pkg Package, journal *Journal) error {
	server := grpc.NewServer(
		grpc.StatsHandler(connections{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	pulumirpc.RegisterResourceProviderServer(server, &service{pkg: pkg, journal: journal})
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serve provider %s: %w", pkg.Name, err)
	}
	return nil
}

// connection holds the provider that was configured over one gRPC connection. An engine opens one connection for
// each provider resource of a program, and several engines may be at work with different configurations.
type connection struct {
	mu       sync.Mutex
	instance *Instance
}

type connectionKey struct{}

// connections gives every gRPC connection its own connection value.
type connections struct{}

func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}
func (connections) HandleConn(context.Context, stats.ConnStats)                     {}
func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                       {}

func (s *service) configured(ctx context.Context) (*Instance, error) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return nil, fmt.Errorf("provider %s: the call came over an unknown connection", s.pkg.Name)
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	if conn.instance == nil {
		return nil, fmt.Errorf("provider %s is not configured yet", s.pkg.Name)
	}
	return conn.instance, nil
}

func (s *service) configure(ctx context.Context, config Values) error {
	instance, err := s.pkg.Configure(ctx, config)
	if err != nil {
		return fmt.Errorf("configure provider %s: %w", s.pkg.Name, err)
	}
	conn := ctx.Value(connectionKey{}).(*connection)
	conn.mu.Lock()
	defer conn.mu.Unlock()
	conn.instance = instance
	return nil
}
