package langhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/types/known/emptypb"
)

// maxMessage is the engine's own limit for one gRPC message, in bytes (400 MiB).
const maxMessage = 400 << 20

// Serve answers engines on listener until ctx ends. Programs are built into buildDir.
func Serve(ctx context.Context, listener net.Listener, buildDir string) error {
	server := grpc.NewServer(
		grpc.StatsHandler(connections{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))
	pulumirpc.RegisterLanguageRuntimeServer(server, &host{buildDir: buildDir})
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if err := server.Serve(listener); err != nil {
		return fmt.Errorf("serve the language host: %w", err)
	}
	return nil
}

// host answers the engine's calls.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	buildDir string
}

// engineAddress is kept per connection: every engine opens its own and sends a handshake first.
type engineAddress struct{ value atomic.Pointer[string] }

type connectionKey struct{}

type connections struct{}

func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, &engineAddress{})
}
func (connections) HandleConn(context.Context, stats.ConnStats)                     {}
func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                       {}

func engineOf(ctx context.Context) (string, error) {
	address, ok := ctx.Value(connectionKey{}).(*engineAddress)
	if !ok || address.value.Load() == nil {
		return "", errors.New("the engine requested a run before its handshake")
	}
	return *address.value.Load(), nil
}

// Handshake remembers the address of the engine at the other end of the connection.
func (h *host) Handshake(
	ctx context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	address, ok := ctx.Value(connectionKey{}).(*engineAddress)
	if !ok || req.GetEngineAddress() == "" {
		return nil, errors.New("the engine's handshake does not give its address")
	}
	value := req.GetEngineAddress()
	address.value.Store(&value)
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// RuntimeOptionsPrompts returns no prompts.
func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}

// Cancel does nothing: a run ends with the call that asked for it.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
