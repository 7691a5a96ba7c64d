package docker

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestECR(t *testing.T) {
	t.Parallel()
	reply := `{"authorizationData":[{"authorizationToken":"` + base64.StdEncoding.EncodeToString([]byte("AWS:hush")) + `"}]}`
	var region string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		region = r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, reply)
	}))
	defer server.Close()
	get := ECR(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", ""),
	})
	for _, other := range []string{"docker.io", "ghcr.io", "x.dkr.ecr.eu-central-1.amazonaws.com"} {
		if got, err := get(t.Context(), other); got != "" || err != nil || region != "" {
			t.Errorf("%s: got %q, %v", other, got, err)
		}
	}
	got, err := get(t.Context(), "123456789012.dkr.ecr.eu-central-1.amazonaws.com")
	if got != "AWS:hush" || err != nil || !strings.Contains(region, "/eu-central-1/ecr/") {
		t.Errorf("got %q, %v; the request was signed by %s", got, err, region)
	}
	for _, bad := range []string{`{"authorizationData":[]}`, `{"authorizationData":[{"authorizationToken":"hush!"}]}`} {
		reply = bad
		_, err := get(t.Context(), "123456789012.dkr.ecr.eu-central-1.amazonaws.com")
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got error %v", bad, err)
		}
	}
}
