package awsprovider

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"webstack/local/gateway"
	"webstack/local/moto"
	"webstack/local/provider"
	"webstack/local/provider/providertest"
	"webstack/local/workdir"
)

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
	dir, err := workdir.Find(".")
	if err != nil {
		return 1, err
	}
	emulator, err := moto.Start(ctx, dir.Moto(), io.Discard)
	if err != nil {
		return 1, err
	}
	defer emulator.Stop()
	endpoint := httptest.NewServer(gateway.New(gateway.Options{
		Moto: emulator.Dial, AccessKeyID: "AKIATEST", SecretAccessKey: "not-a-secret", Log: io.Discard,
	}))
	defer endpoint.Close()
	account.endpoint = endpoint.URL
	if account.server, err = providertest.Serve(ctx, Package(account.endpoint, keys), resourceTypes(&clients{})); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// keys are those of the account's owner.
var keys = credentials.NewStaticCredentialsProvider("AKIATEST", "not-a-secret", "")

// testConfig configures a provider with the default tag "stack".
var testConfig = provider.Values{"region": "eu-central-1", "defaultTags": `{"tags":{"stack":"test"}}`}

func newEngine(t *testing.T) *providertest.Engine {
	t.Helper()
	return account.server.Engine(t, testConfig)
}

// testClients are clients of the emulated account, for tests that look or tamper behind the provider's back.
func testClients(t *testing.T) *clients {
	t.Helper()
	c, err := newClients(t.Context(), account.endpoint, keys, "eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}
