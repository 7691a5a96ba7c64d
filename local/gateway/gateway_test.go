package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

func TestUnsupportedActionsAreNotRetried(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		account.gateway.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	settings := config()
	settings.BaseEndpoint = &server.URL
	_, err := ec2.NewFromConfig(settings).DescribeInstanceConnectEndpoints(t.Context(),
		&ec2.DescribeInstanceConnectEndpointsInput{})
	wantCode(t, err, "InvalidAction", "DescribeInstanceConnectEndpoints of ec2")
	_, err = ssm.NewFromConfig(settings).GetServiceSetting(t.Context(),
		&ssm.GetServiceSettingInput{SettingId: aws.String("/ssm/x")})
	wantCode(t, err, "UnknownOperationException", "GetServiceSetting of ssm")
	_, err = iam.NewFromConfig(settings).ListInstanceProfileTags(t.Context(),
		&iam.ListInstanceProfileTagsInput{InstanceProfileName: aws.String("x")})
	wantCode(t, err, "InvalidAction", "ListInstanceProfileTags of iam")
	if n := requests.Load(); n != 3 {
		t.Errorf("3 calls became %d requests", n)
	}
}

func TestTheLogHasCallsButNoSecrets(t *testing.T) {
	t.Parallel()
	name, bucket := "/"+unique(), unique()
	_, err := ssmClient().PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: &name, Value: aws.String("a-secret-value"), Type: "SecureString"})
	if err != nil {
		t.Fatal(err)
	}
	client := s3Client()
	for _, call := range []func() error{
		func() error {
			_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
			return err
		},
		func() error {
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("a/b"),
				Body: strings.NewReader("a-secret-value")})
			return err
		},
		func() error {
			_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"ssm PutParameter 200", "s3 CreateBucket 200", "s3 PutObject 200",
		"s3 ListObjects 200"} {
		account.log.waitFor(t, want)
	}
	log := account.log.String()
	for _, secret := range []string{"a-secret-value", "AKIATEST", name} {
		if strings.Contains(log, secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

func TestCallsFailWhenATestAsksForIt(t *testing.T) {
	t.Parallel()
	client := kmsClient()
	create := func() error {
		_, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
		return err
	}
	if got := post(t,
		`{"service": "kms", "action": "CreateKey", "skip": 1, "times": 1, "code": "MalformedPolicyDocumentException",
		"status": 400}`); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	if err := create(); err != nil {
		t.Errorf("first call: %v", err)
	}
	wantCode(t, create(), "MalformedPolicyDocumentException", "a test asked for CreateKey to fail")
	if err := create(); err != nil {
		t.Errorf("third call: %v", err)
	}
	for _, bad := range []string{"", "{}", `{"action": ""}`, `{"action": "X", "status": 200}`,
		`{"action": "X", "tiems": 2}`, `{"action": "X", "times": 0}`, `{"action": "X", "skip": -1}`} {
		if got := post(t, bad); got != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, got)
		}
	}
}

func TestFaultsSpeakTheProtocolOfTheirService(t *testing.T) {
	t.Parallel()
	for call, try := range map[string]func(context.Context) error{
		`"service": "ec2", "action": "DescribeKeyPairs"`: func(ctx context.Context) error {
			_, err := ec2Client().DescribeKeyPairs(ctx, &ec2.DescribeKeyPairsInput{})
			return err
		},
		`"service": "iam", "action": "ListGroups"`: func(ctx context.Context) error {
			_, err := iamClient().ListGroups(ctx, &iam.ListGroupsInput{})
			return err
		},
		`"service": "ssm", "action": "DescribeMaintenanceWindows"`: func(ctx context.Context) error {
			_, err := ssmClient().DescribeMaintenanceWindows(ctx, &ssm.DescribeMaintenanceWindowsInput{})
			return err
		},
		`"service": "s3", "action": "ListBuckets"`: func(ctx context.Context) error {
			_, err := s3Client().ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			if got := post(t, "{"+call+"}"); got != http.StatusOK {
				t.Fatalf("status %d", got)
			}
			wantCode(t, try(t.Context()), "UnauthorizedOperation", "a test asked for")
			if err := try(t.Context()); err != nil {
				t.Errorf("the call after: %v", err)
			}
		})
	}
}

func TestFaultsAreRemoved(t *testing.T) {
	t.Parallel()
	options := owned(Options{Log: &safeBuffer{}})
	options.Moto = func(context.Context) (net.Conn, error) { return nil, errors.New("there is none") }
	gateway := httptest.NewServer(New(options))
	t.Cleanup(gateway.Close)
	send := func(method, body, password string) int {
		request, err := http.NewRequestWithContext(t.Context(), method, gateway.URL+faultsPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(keyID, password)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		return response.StatusCode
	}
	c := config()
	c.BaseEndpoint, c.RetryMaxAttempts = &gateway.URL, 1
	list := func() error {
		_, err := s3.NewFromConfig(c).ListBuckets(t.Context(), &s3.ListBucketsInput{})
		return err
	}
	send(http.MethodPost, `{"action": "ListBuckets", "times": 9}`, secretKey)
	wantCode(t, list(), "UnauthorizedOperation", "a test asked")
	if got := send(http.MethodDelete, "", "another"); got != http.StatusUnauthorized {
		t.Errorf("with another password: %d", got)
	}
	wantCode(t, list(), "UnauthorizedOperation", "a test asked")
	send(http.MethodDelete, "", secretKey)
	wantCode(t, list(), "ServiceUnavailable", "there is none")
	if got := send(http.MethodPut, "", secretKey); got != http.StatusMethodNotAllowed {
		t.Errorf("put: %d", got)
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), ec2Client()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := createAndList(ctx, client); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// createAndList changes a table of moto's that others go through at the same time.
func createAndList(ctx context.Context, client *ec2.Client) error {
	for range 5 {
		name := unique()
		_, err := client.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name})
		if err != nil {
			return err
		}
		if _, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
			Filters: []types.Filter{{Name: aws.String("group-name"), Values: []string{name}}}}); err != nil {
			return err
		}
	}
	return nil
}

func TestServiceIsFoundInASignedQuery(t *testing.T) {
	t.Parallel()
	bucket := unique()
	client := s3Client()
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	signed, err := s3.NewPresignClient(client).PresignPutObject(t.Context(),
		&s3.PutObjectInput{Bucket: &bucket, Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %s", response.Status)
	}
}
