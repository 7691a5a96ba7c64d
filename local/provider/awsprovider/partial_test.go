package awsprovider

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"webstack/local/provider"
	"webstack/local/provider/providertest"
)

// refusingEngine returns an engine whose account rejects the requests that contain what in their target, query or body.
func refusingEngine(t *testing.T, what string) *providertest.Engine {
	t.Helper()
	behind, err := url.Parse(account.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.Contains(r.Header.Get("X-Amz-Target")+r.URL.RawQuery+string(body), what) && r.Method != http.MethodGet {
			http.Error(w, "refused", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	server := providertest.ServeFor(t, Package(endpoint.URL, keys), resourceTypes(&clients{}))
	return server.Engine(t, testConfig)
}

// TestWhatIsMadeIsKept: if a creation fails after the resource exists, the engine gets its id.
func TestWhatIsMadeIsKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refused, token string
		inputs         provider.Values
	}{
		"bucket without tags": {"tagging", "aws:s3/bucketV2:BucketV2", provider.Values{}},
		"profile without role": {"AddRoleToInstanceProfile", "aws:iam/instanceProfile:InstanceProfile", provider.Values{
			"role": "none",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := refusingEngine(t, test.refused)
			_, err := e.TryCreate(test.token, test.inputs)
			id := keptID(err)
			if id == "" {
				t.Fatalf("nothing is kept: %v", err)
			}
			r := &providertest.Resource{Engine: e, Token: test.token, ID: id}
			if found, _, _ := r.Refresh(); found != id {
				t.Errorf("kept is %q, found %q", id, found)
			}
			r.Delete(t.Context())
		})
	}
}

// keptID returns the id of what a failed creation leaves, or "".
func keptID(err error) string {
	failure, ok := rpcerror.FromError(err)
	if !ok {
		return ""
	}
	for _, detail := range failure.Details() {
		if partial, ok := detail.(*pulumirpc.ErrorResourceInitFailed); ok {
			return partial.Id
		}
	}
	return ""
}
