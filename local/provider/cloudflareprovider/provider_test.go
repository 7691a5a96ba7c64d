package cloudflareprovider

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
)

// credentials are the settings that the real provider takes instead of a token.
var credentials = []string{"apiKey", "apiUserServiceKey", "email"}

// TestSettings: a program may set all that the SDK knows, but no second credential.
func TestSettings(t *testing.T) {
	t.Parallel()
	e, _ := newEngine(t)
	settings := provider.Values{
		"apiToken": testToken, "apiBasePath": "/client/v5", "apiHostname": "api.example.com", "apiClientLogging": "true",
		"maxBackoff": "30", "minBackoff": "1", "retries": "3", "rps": "4", "userAgentOperatorSuffix": "test",
	}
	fields := reflect.TypeFor[cloudflare.ProviderArgs]().NumField()
	if got := len(settings) + len(credentials); got != fields {
		t.Errorf("the test knows %d settings, the SDK %d", got, fields)
	}
	problems := func(inputs provider.Values) []*pulumirpc.CheckFailure {
		checked, err := e.Client.CheckConfig(t.Context(), &pulumirpc.CheckRequest{News: e.Encode(inputs)})
		if err != nil {
			t.Fatal(err)
		}
		return checked.Failures
	}
	if got := problems(settings); len(got) > 0 {
		t.Errorf("settings refused: %v", got)
	}
	if _, err := e.Client.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: e.Encode(settings)}); err != nil {
		t.Fatal(err)
	}
	// The API stays the one that Package was given.
	if _, err := e.Invoke(getZone, provider.Values{"name": "example.org"}); err != nil {
		t.Error(err)
	}
	for _, credential := range credentials {
		got := problems(provider.Values{"apiToken": testToken, credential: "x"})
		if len(got) != 1 || !strings.HasPrefix(got[0].Reason, credential+":") {
			t.Errorf("%s beside a token: %v", credential, got)
		}
	}
	if got := problems(provider.Values{}); len(got) != 1 || !strings.Contains(got[0].Reason, "'apiToken'") {
		t.Errorf("no token: %v", got)
	}
}

func TestFailedCallsAreNotRepeated(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(server.Close)
	_, err := engineAt(t, server.URL, testToken).TryCreate(recordToken, (&account{zone: "1"}).address(nil))
	if err == nil || calls.Load() != 1 {
		t.Errorf("%d calls, error %v", calls.Load(), err)
	}
}
