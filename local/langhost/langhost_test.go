package langhost

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// fakeEngine collects what is logged to it.
type fakeEngine struct {
	pulumirpc.UnimplementedEngineServer
	address string
	logged  chan struct{}
	mu      sync.Mutex
	lines   []string
}

func (e *fakeEngine) Log(_ context.Context, req *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, req.GetSeverity().String()+" "+req.GetMessage())
	select {
	case e.logged <- struct{}{}:
	default:
	}
	return &emptypb.Empty{}, nil
}

func (e *fakeEngine) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.lines)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func startEngine(t *testing.T) *fakeEngine {
	t.Helper()
	listener := listen(t)
	engine := &fakeEngine{address: listener.Addr().String(), logged: make(chan struct{}, 1)}
	server := grpc.NewServer()
	pulumirpc.RegisterEngineServer(server, engine)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return engine
}

func startHost(t *testing.T) string {
	t.Helper()
	listener := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, filepath.Join(t.TempDir(), "build")) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return listener.Addr().String()
}

func connect(t *testing.T, address string) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return pulumirpc.NewLanguageRuntimeClient(conn)
}

func attach(t *testing.T, address string, engine *fakeEngine) pulumirpc.LanguageRuntimeClient {
	t.Helper()
	client := connect(t, address)
	_, err := client.Handshake(t.Context(), &pulumirpc.LanguageHandshakeRequest{EngineAddress: engine.address})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func run(t *testing.T, dir string, config map[string]string) *pulumirpc.RunRequest {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join("testdata", dir))
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.RunRequest{
		Project: "shop", Stack: "local", Organization: "organization", Pwd: abs,
		MonitorAddress: "127.0.0.1:7", DryRun: true, Parallel: 16,
		Config: config, ConfigSecretKeys: []string{"test:password"},
		Info: &pulumirpc.ProgramInfo{RootDirectory: abs, ProgramDirectory: abs, EntryPoint: "."},
	}
}

func TestRunPassesTheRunOnAndItsOutputBack(t *testing.T) {
	t.Parallel()
	engine := startEngine(t)
	req := run(t, "program", map[string]string{"test:mode": "show", "test:password": "x=y"})
	resp, err := attach(t, startHost(t), engine).Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.GetBail() || resp.GetError() != "" {
		t.Fatalf("got %v, want success", resp)
	}
	got := engine.all()
	for _, want := range []string{
		"PULUMI_PROJECT=shop", "PULUMI_STACK=local", "PULUMI_ORGANIZATION=organization", "PULUMI_MONITOR=127.0.0.1:7",
		"PULUMI_ENGINE=" + engine.address, "PULUMI_DRY_RUN=true", "PULUMI_PARALLEL=16",
		"PULUMI_ROOT_DIRECTORY=" + req.GetInfo().GetRootDirectory(),
		`PULUMI_CONFIG={"test:mode":"show","test:password":"x=y"}`,
		`PULUMI_CONFIG_SECRET_KEYS=["test:password"]`,
		"directory " + req.GetPwd(), "no line break at the end",
	} {
		if !slices.Contains(got, "INFO "+want) {
			t.Errorf("the engine was not told %q; it got:\n%s", want, strings.Join(got, "\n"))
		}
	}
}

func TestRunReportsHowTheProgramEnded(t *testing.T) {
	t.Parallel()
	host, engine := startHost(t), startEngine(t)
	tests := map[string]struct {
		status, wantError string
		wantBail          bool
	}{
		"success":              {status: "0"},
		"errors were reported": {status: "32", wantBail: true},
		"other status":         {status: "3", wantError: "program exited with non-zero exit code: 3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := map[string]string{"test:mode": "exit", "test:status": test.status}
			resp, err := attach(t, host, engine).Run(t.Context(), run(t, "program", config))
			if err != nil {
				t.Fatal(err)
			}
			if resp.GetBail() != test.wantBail || resp.GetError() != test.wantError {
				t.Errorf("got %v, want bail %v, error %q", resp, test.wantBail, test.wantError)
			}
		})
	}
}

func TestRunSendsCompileErrorsToTheEngine(t *testing.T) {
	t.Parallel()
	engine := startEngine(t)
	resp, err := attach(t, startHost(t), engine).Run(t.Context(), run(t, "broken", nil))
	if err != nil {
		t.Fatal(err)
	}
	if !resp.GetBail() {
		t.Errorf("got %v, want bail", resp)
	}
	if got := strings.Join(engine.all(), "\n"); !strings.Contains(got, "ERROR compile the program") ||
		!strings.Contains(got, "main.go:4:15: undefined: undefinedName") {
		t.Errorf("the engine got %q", got)
	}
}

func TestRunWithoutHandshakeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := connect(t, startHost(t)).Run(t.Context(), run(t, "program", nil))
	if err == nil || !strings.Contains(err.Error(), "handshake") {
		t.Errorf("got %v, want an error about the handshake", err)
	}
}

func TestEachEngineGetsItsOwnOutput(t *testing.T) {
	t.Parallel()
	host, first, second := startHost(t), startEngine(t), startEngine(t)
	firstClient, secondClient := attach(t, host, first), attach(t, host, second)
	for _, client := range []pulumirpc.LanguageRuntimeClient{firstClient, secondClient} {
		if _, err := client.Run(t.Context(), run(t, "program", map[string]string{"test:mode": "show"})); err != nil {
			t.Fatal(err)
		}
	}
	for _, engine := range []*fakeEngine{first, second} {
		if !slices.Contains(engine.all(), "INFO PULUMI_ENGINE="+engine.address) {
			t.Errorf("engine %s got %q", engine.address, engine.all())
		}
	}
}

func TestAnAbandonedRunLeavesNoProcess(t *testing.T) {
	t.Parallel()
	engine := startEngine(t)
	client := attach(t, startHost(t), engine)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := client.Run(ctx, run(t, "program", map[string]string{"test:mode": "hang"}))
		ended <- err
	}()
	select {
	case <-engine.logged:
	case err := <-ended:
		t.Fatalf("the run ended on its own: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(engine.all()[0], "INFO child "))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want a cancelled call", err)
	}
	for deadline := time.Now().Add(time.Minute); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// alive reports whether a process runs; one that has ended but was not waited for yet does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestTheModuleNamesProvidersAndDependencies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mod := "module shop\n\ngo 1.26.0\n\nrequire (\n" +
		"\tgithub.com/pulumi/pulumi-aws/sdk/v6 v6.83.4\n\tgithub.com/pulumi/pulumi/sdk/v3 v3.259.0\n" +
		"\tgopkg.in/yaml.v3 v3.0.1 // indirect\n)\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "cmd", "program")
	if err := os.MkdirAll(program, 0o755); err != nil {
		t.Fatal(err)
	}
	client := connect(t, startHost(t))
	info := &pulumirpc.ProgramInfo{RootDirectory: dir, ProgramDirectory: program}

	packages, err := client.GetRequiredPackages(t.Context(), &pulumirpc.GetRequiredPackagesRequest{Info: info})
	if err != nil {
		t.Fatal(err)
	}
	if got := packages.GetPackages(); len(got) != 1 || got[0].GetName() != "aws" || got[0].GetVersion() != "v6.83.4" ||
		got[0].GetKind() != "resource" {
		t.Errorf("required packages: %v", got)
	}
	for transitive, want := range map[bool]int{false: 2, true: 3} {
		deps, err := client.GetProgramDependencies(t.Context(), &pulumirpc.GetProgramDependenciesRequest{
			Info: info, TransitiveDependencies: transitive,
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(deps.GetDependencies()); got != want {
			t.Errorf("dependencies with transitive %v: got %d, want %d", transitive, got, want)
		}
	}
}
