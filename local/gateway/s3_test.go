package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"webstack/internal/tooltest"
)

func newBucket(t *testing.T) *string {
	t.Helper()
	name := unique()
	ask(s3Client().CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})).must(t)
	return &name
}

func TestUploadsArriveWhole(t *testing.T) {
	t.Parallel()
	client, bucket := s3Client(), newBucket(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	for name, put := range map[string]s3.PutObjectInput{
		"checksum by default": {Body: bytes.NewReader([]byte("text"))},
		"SHA-256":             {Body: bytes.NewReader([]byte("text")), ChecksumAlgorithm: types.ChecksumAlgorithmSha256},
		"empty":               {Body: bytes.NewReader(nil)},
		"large":               {Body: bytes.NewReader(large), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := io.ReadAll(put.Body)
			if err != nil {
				t.Fatal(err)
			}
			put.Body = bytes.NewReader(want)
			put.Bucket, put.Key = bucket, aws.String("bundle/"+name)
			ask(client.PutObject(t.Context(), &put)).must(t)
			got := ask(client.GetObject(t.Context(), &s3.GetObjectInput{
				Bucket: bucket, Key: put.Key, ChecksumMode: types.ChecksumModeEnabled})).must(t)
			body, err := io.ReadAll(got.Body)
			if err != nil || !bytes.Equal(body, want) {
				t.Errorf("%d bytes, %v, want %d", len(body), err, len(want))
			}
		})
	}
}

// TestStreamedUpload sends what cannot be read twice, which the SDK does over TLS only: in chunks, with the checksum
// behind the last one.
func TestStreamedUpload(t *testing.T) {
	t.Parallel()
	var kind, trailer atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			kind.Store(r.Header.Get("X-Amz-Content-Sha256"))
			trailer.Store(r.Header.Get("X-Amz-Trailer"))
		}
		account.gateway.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	settings := config()
	settings.BaseEndpoint, settings.HTTPClient = &server.URL, server.Client()
	client, bucket, key := s3.NewFromConfig(settings), newBucket(t), aws.String("streamed")
	text := strings.Repeat("streamed ", 40_000)
	ask(client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: bucket, Key: key, Body: io.LimitReader(strings.NewReader(text), int64(len(text))),
		ContentLength: aws.Int64(int64(len(text))), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})).must(t)
	if kind.Load() != "STREAMING-UNSIGNED-PAYLOAD-TRAILER" || trailer.Load() != "x-amz-checksum-sha256" {
		t.Errorf("sent as %v with the trailer %v", kind.Load(), trailer.Load())
	}
	got := ask(client.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: bucket, Key: key, ChecksumMode: types.ChecksumModeEnabled})).must(t)
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != text || got.ChecksumSHA256 == nil {
		t.Errorf("%d bytes, %v, checksum %v", len(body), err, got.ChecksumSHA256)
	}
}

func TestCompressedObjectsStayCompressed(t *testing.T) {
	t.Parallel()
	client, bucket, key := s3Client(), newBucket(t), aws.String("dump.gz")
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	if _, err := io.WriteString(pack, "text"); err != nil {
		t.Fatal(err)
	}
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	ask(client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key,
		Body: bytes.NewReader(packed.Bytes()), ContentEncoding: aws.String("gzip")})).must(t)
	signed := ask(s3.NewPresignClient(client).PresignGetObject(t.Context(),
		&s3.GetObjectInput{Bucket: bucket, Key: key})).must(t)
	request, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Equal(got, packed.Bytes()) || response.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%q, %v, encoding %q", got, err, response.Header.Get("Content-Encoding"))
	}
}

func TestPlainAWSCommands(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("aws")
	if err != nil {
		tooltest.Missing(t, "the aws command is not installed")
	}
	bucket, dir := newBucket(t), t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		command := exec.CommandContext(t.Context(), program, args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+account.endpoint, "AWS_REGION=us-east-1",
			"AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+secretKey)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	text := strings.Repeat("copied ", 3_000_000) // large enough for several parts
	if err := os.WriteFile(filepath.Join(dir, "up"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run("s3", "cp", "--quiet", "up", fmt.Sprintf("s3://%s/folder/file", *bucket))
	run("s3", "cp", "--quiet", fmt.Sprintf("s3://%s/folder/file", *bucket), "down")
	if got, err := os.ReadFile(filepath.Join(dir, "down")); err != nil || string(got) != text {
		t.Errorf("copied back: %d bytes, %v", len(got), err)
	}
	if out := run("ssm", "list-associations", "--query", "Associations[?Name=='none']"); strings.TrimSpace(out) != "[]" {
		t.Errorf("associations: %s", out)
	}
	if out := run("ec2", "describe-images", "--owners", "099720109477", "--output", "text"); !strings.Contains(out,
		"noble") {
		t.Errorf("images: %s", out)
	}
}

const tlsOnly = `{"Version":"2012-10-17","Statement":[{"Sid":"TLS","Effect":"Deny","Principal":"*","Action":"s3:*",
	"Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

func TestBucketPolicyIsKeptAndNotAppliedBlindly(t *testing.T) {
	t.Parallel()
	client, bucket, ctx := s3Client(), newBucket(t), t.Context()
	_, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "NoSuchBucketPolicy", "")
	ask(client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(tlsOnly)})).must(t)
	got := ask(client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})).must(t)
	if aws.ToString(got.Policy) != tlsOnly {
		t.Errorf("policy: %s", aws.ToString(got.Policy))
	}
	put := &s3.PutObjectInput{Bucket: bucket, Key: aws.String("key"), Body: strings.NewReader("text")}
	ask(client.PutObject(ctx, put)).must(t)
	// A bucket that cannot be deleted keeps its policy; a new bucket with the same name has none.
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}); err == nil {
		t.Fatal("deleted a bucket that is not empty")
	}
	ask(client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})).must(t)
	ask(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("key")})).must(t)
	ask(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})).must(t)
	_, err = client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "NoSuchBucket", "")
	ask(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})).must(t)
	_, err = client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "NoSuchBucketPolicy", "")
}

func TestBucketPolicyIsDeleted(t *testing.T) {
	t.Parallel()
	client, bucket, ctx := s3Client(), newBucket(t), t.Context()
	ask(client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(tlsOnly)})).must(t)
	for range 2 {
		ask(client.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bucket})).must(t)
	}
	_, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
	wantCode(t, err, "NoSuchBucketPolicy", "")
}

func TestMalformedBucketPolicies(t *testing.T) {
	t.Parallel()
	client, bucket := s3Client(), newBucket(t)
	statement := func(fields string) string { return `{"Version":"2012-10-17","Statement":{` + fields + `}}` }
	for policy, word := range map[string]string{
		"":                      "invalid Json",
		"{":                     "invalid Json",
		"{}":                    "Statement",
		`{"Statement":[]}`:      "empty",
		`{"Statement":"Allow"}`: "Statement",
		statement(`"Principal":"*","Action":"s3:*","Resource":"*"`):                   "Effect",
		statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`):                  "Principal",
		statement(`"Effect":"allow","Principal":"*","Action":"s3:*","Resource":"*"`):  "Invalid effect",
		statement(`"Effect":"Allow","Principal":"*","Resource":"*"`):                  "Action",
		statement(`"Effect":"Allow","NotPrincipal":"*","NotAction":"x","Sid":"none"`): "Resource",
		strings.Repeat("x", maxPolicy+1):                                              "size",
	} {
		_, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(policy)})
		wantCode(t, err, "MalformedPolicy", word)
	}
}
