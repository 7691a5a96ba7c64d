package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"

	"webstack/local/moto"
	"webstack/local/workdir"
)

// keyID and secretKey are the account's owner's.
const keyID, secretKey = "AKIATEST", "not-a-secret"

// owned are options of a gateway in front of the account, with its owner.
func owned(o Options) Options {
	o.Moto, o.AccessKeyID, o.SecretAccessKey = account.dial, keyID, secretKey
	return o
}

// account is the emulated account of this test run. Tests share it and use names of their own.
var account struct {
	gateway  *Gateway
	dial     func(context.Context) (net.Conn, error)
	endpoint string
	log      safeBuffer
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
	ctx := context.Background()
	dir, err := workdir.Find(".")
	if err != nil {
		return 1, err
	}
	if !moto.Installed(ctx, dir.Moto()) {
		if err := moto.Install(ctx, dir.Moto()); err != nil {
			return 1, err
		}
	}
	emulator, err := moto.Start(ctx, dir.Moto(), io.Discard)
	if err != nil {
		return 1, err
	}
	defer emulator.Stop()
	account.dial = emulator.Dial
	account.gateway = New(owned(Options{Log: &account.log}))
	server := httptest.NewServer(account.gateway)
	defer server.Close()
	account.endpoint = server.URL
	return m.Run(), nil
}

// safeBuffer is a log that may be read while it is written.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// waitFor waits until the log has the text: a line is written after the client has its answer.
func (b *safeBuffer) waitFor(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(b.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %q", text)
		}
	}
}

func (b *safeBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// config returns the configuration of a client that tries a failed call three times, without waiting long.
func config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(account.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secretKey, ""),
	}
}

func ec2Client() *ec2.Client { return ec2.NewFromConfig(config()) }
func iamClient() *iam.Client { return iam.NewFromConfig(config()) }
func kmsClient() *kms.Client { return kms.NewFromConfig(config()) }
func ssmClient() *ssm.Client { return ssm.NewFromConfig(config()) }
func s3Client() *s3.Client   { return s3.NewFromConfig(config()) }

var counter atomic.Int64

// unique returns a name that is unique in this test run, and valid for buckets and documents.
func unique() string { return fmt.Sprintf("test-%d-%d", time.Now().UnixMilli(), counter.Add(1)) }

// wantCode checks that err is AWS's error of that code, and that its text has the word.
func wantCode(t *testing.T, err error, code, word string) {
	t.Helper()
	var got smithy.APIError
	if !errors.As(err, &got) || got.ErrorCode() != code || !strings.Contains(got.ErrorMessage(), word) {
		t.Errorf("error %v, want code %s with %q", err, code, word)
	}
}

// asked is the outcome of a call.
type asked[T any] struct {
	value T
	err   error
}

func ask[T any](value T, err error) asked[T] { return asked[T]{value, err} }

// must returns the value; if there is an error, the test fails.
func (a asked[T]) must(t *testing.T) T {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	return a.value
}

// post sends a fault to the gateway.
func post(t *testing.T, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, account.endpoint+faultsPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(keyID, secretKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// launch runs an instance of the current image, as changed by change.
func launched(t *testing.T, change func(*ec2.RunInstancesInput)) types.Instance {
	t.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(moto.Image("arm64")), InstanceType: types.InstanceTypeT4gSmall,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	}
	if change != nil {
		change(in)
	}
	return ask(ec2Client().RunInstances(t.Context(), in)).must(t).Instances[0]
}

func described(t *testing.T, id *string) types.Instance {
	t.Helper()
	out := ask(ec2Client().DescribeInstances(t.Context(),
		&ec2.DescribeInstancesInput{InstanceIds: []string{*id}})).must(t)
	return out.Reservations[0].Instances[0]
}
