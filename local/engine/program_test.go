package engine

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"webstack/stack"
)

// fakeEngine is an engine that keeps what is logged to it.
type fakeEngine struct {
	pulumirpc.UnimplementedEngineServer
	pulumirpc.UnimplementedResourceMonitorServer
	mu     sync.Mutex
	logged []string
}

func (e *fakeEngine) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logged = append(e.logged, req.GetSeverity().String()+" "+req.GetMessage())
	return &emptypb.Empty{}, nil
}

func (e *fakeEngine) SupportsFeature(
	context.Context, *pulumirpc.SupportsFeatureRequest,
) (*pulumirpc.SupportsFeatureResponse, error) {
	return &pulumirpc.SupportsFeatureResponse{}, nil
}

func (e *fakeEngine) RegisterResource(
	_ context.Context, req *pulumirpc.RegisterResourceRequest,
) (*pulumirpc.RegisterResourceResponse, error) {
	return &pulumirpc.RegisterResourceResponse{Urn: "urn:pulumi:dev::webstack::" + req.GetType() + "::" + req.GetName()}, nil
}

func (e *fakeEngine) RegisterResourceOutputs(
	context.Context, *pulumirpc.RegisterResourceOutputsRequest,
) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (e *fakeEngine) SignalAndWaitForShutdown(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// TestTheProgramsErrorIsShownOnce runs programs under an engine. The environment keeps it from running in parallel.
func TestTheProgramsErrorIsShownOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine, server := &fakeEngine{}, grpc.NewServer()
	pulumirpc.RegisterEngineServer(server, engine)
	pulumirpc.RegisterResourceMonitorServer(server, engine)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	for name, value := range map[string]string{
		pulumi.EnvProject: "webstack", pulumi.EnvStack: "dev", pulumi.EnvConfig: "{}",
		pulumi.EnvMonitor: listener.Addr().String(), pulumi.EnvEngine: listener.Addr().String(),
	} {
		t.Setenv(name, value)
	}
	const problems = "read the config of stack dev:\nPulumi.dev.yaml:3: bogus: is not a key of webstack"
	if status := stack.Run(func(*pulumi.Context) error { return errors.New(problems) }); status != constant.ExitStatusLoggedError {
		t.Errorf("status %d, want %d", status, constant.ExitStatusLoggedError)
	}
	if diff := cmp.Diff([]string{"ERROR " + problems}, engine.logged); diff != "" {
		t.Errorf("logged (-want +got):\n%s", diff)
	}
	if status := stack.Run(func(*pulumi.Context) error { return nil }); status != 0 || len(engine.logged) != 1 {
		t.Errorf("a program without error: status %d, %q", status, engine.logged)
	}
}
