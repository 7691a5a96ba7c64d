package awsprovider

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// startLimit bounds how long the emulator may take to answer for the first time.
const startLimit = 2 * time.Minute

// account is the one emulated account of this test run, with a provider server in front of it.
var account struct {
	endpoint string // of the AWS API
	server   *providertest.Server
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
	if account.server, err = providertest.Serve(ctx, Package(endpoint), resourceTypes(&clients{})); err != nil {
		return 1, err
	}
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

// newEngine configures a provider with the default tag "stack".
func newEngine(t *testing.T) *providertest.Engine {
	t.Helper()
	return account.server.Engine(t, provider.Values{
		"region": "eu-central-1", "defaultTags": `{"tags":{"stack":"test"}}`,
	})
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
