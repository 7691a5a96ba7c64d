package artifacts

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"webstack/host/internal/s3test"
)

var fake s3test.Server

func TestMain(m *testing.M) {
	server := httptest.NewServer(&fake)
	s3test.SetEnvironment(server.URL)
	code := m.Run()
	server.Close()
	os.Exit(code)
}

func TestGet(t *testing.T) {
	t.Parallel()
	stored := fake.Bucket()
	stored.Put("bundle/a b+c", []byte("content"))
	bucket, err := Open(t.Context(), "", stored.Name)
	if err != nil {
		t.Fatal(err)
	}
	body, err := bucket.Get(t.Context(), "bundle/a b+c")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	if text, err := io.ReadAll(body); err != nil || string(text) != "content" {
		t.Errorf("read %q, error %v", text, err)
	}
}

func TestGetRepeatsAfterServerErrors(t *testing.T) {
	t.Parallel()
	stored := fake.Bucket()
	stored.Put("key", []byte("content"))
	stored.Fault(func(w http.ResponseWriter, _ string, n int) bool {
		if n == 1 {
			s3test.Error(w, http.StatusServiceUnavailable, "SlowDown")
		}
		return n == 1
	})
	bucket, err := Open(t.Context(), "eu-west-1", stored.Name)
	if err != nil {
		t.Fatal(err)
	}
	body, err := bucket.Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
}

func TestGetNamesWhatItCannotHave(t *testing.T) {
	t.Parallel()
	stored := fake.Bucket()
	stored.Fault(func(w http.ResponseWriter, key string, _ int) bool {
		if key == "forbidden" {
			s3test.Error(w, http.StatusForbidden, "AccessDenied")
		}
		return key == "forbidden"
	})
	bucket, err := Open(t.Context(), "", stored.Name)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"missing": "run pulumi up", "forbidden": "AccessDenied"} {
		_, err := bucket.Get(t.Context(), key)
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "s3://"+stored.Name+"/"+key) {
			t.Errorf("%s: error is %v", key, err)
		}
	}
}

// On an instance nothing is set: region and credentials come from its metadata, which asks for a token (IMDSv2).
func TestOpenOnAnInstance(t *testing.T) {
	var s3Auth string
	instance := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const token = "token"
		if r.URL.Path == "/latest/api/token" && r.Method == http.MethodPut {
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			_, _ = io.WriteString(w, token)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/latest/dynamic/instance-identity/document":
			_, _ = io.WriteString(w, `{"region": "ap-south-1"}`)
		case "/latest/meta-data/iam/security-credentials/":
			_, _ = io.WriteString(w, "host-role")
		case "/latest/meta-data/iam/security-credentials/host-role":
			_, _ = io.WriteString(w, `{"Code": "Success", "AccessKeyId": "HOSTKEY", "SecretAccessKey": "x",
				"Token": "y", "Expiration": "2999-01-01T00:00:00Z"}`)
		default:
			s3Auth = r.Header.Get("Authorization")
			_, _ = fmt.Fprint(w, "content")
		}
	}))
	defer instance.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.URL)
	t.Setenv("AWS_ENDPOINT_URL", instance.URL)
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	bucket, err := Open(t.Context(), "", "some-bucket")
	if err != nil {
		t.Fatal(err)
	}
	body, err := bucket.Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
	if !strings.Contains(s3Auth, "HOSTKEY") || !strings.Contains(s3Auth, "/ap-south-1/s3/") {
		t.Errorf("request was signed as %q", s3Auth)
	}
}

func TestOpenWithoutARegion(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	if _, err := Open(t.Context(), "", "some-bucket"); err == nil || !strings.Contains(err.Error(), "--region") {
		t.Errorf("error is %v", err)
	}
}
