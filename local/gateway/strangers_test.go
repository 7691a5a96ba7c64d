package gateway

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Callers without the account's key are rejected, in each protocol.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]aws.CredentialsProvider{
		"nobody":            aws.AnonymousCredentials{},
		"another key":       credentials.NewStaticCredentialsProvider("AKIAOTHER", secretKey, ""),
		"another secret":    credentials.NewStaticCredentialsProvider(keyID, "a guess", ""),
		"the old key":       credentials.NewStaticCredentialsProvider("webstack-local", "webstack-local", ""),
		"an empty secret":   credentials.NewStaticCredentialsProvider(keyID, " ", ""),
		"a made-up session": credentials.NewStaticCredentialsProvider("ASIAOTHER", secretKey, "token"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, c := t.Context(), config()
			c.Credentials, c.RetryMaxAttempts = given, 1
			code := func(unsigned, unknown, forged string) string {
				switch {
				case name == "nobody":
					return unsigned
				case strings.Contains(name, "secret"):
					return forged
				default:
					return unknown
				}
			}
			_, err := ssm.NewFromConfig(c).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/p")})
			// Without a signature a request does not say which service it is for.
			wantCode(t, err, code("MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException"), "")
			_, err = ecr.NewFromConfig(c).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
			wantCode(t, err, code("MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException"), "")
			_, err = ec2.NewFromConfig(c).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			wantCode(t, err, code("UnknownError", "AuthFailure", "AuthFailure"), "")
			_, err = iam.NewFromConfig(c).ListRoles(ctx, &iam.ListRolesInput{})
			wantCode(t, err, code("MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch"), "")
			_, err = s3.NewFromConfig(c).ListBuckets(ctx, &s3.ListBucketsInput{})
			wantCode(t, err, code("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"), "")
		})
	}
}

// A signature is valid only for what was signed.
func TestASignatureIsForOneRequest(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Name":"/tampered"}`)
	for name, tamper := range map[string]func(*http.Request){
		"nothing": func(*http.Request) {},
		"the body": func(r *http.Request) {
			other := []byte(`{"Name":"/database"}`)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(other)), int64(len(other))
		},
		"the action": func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSSM.DeleteParameter") },
		"the path":   func(r *http.Request) { r.URL.Path = "/elsewhere" },
		"the query":  func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"the host":   func(r *http.Request) { r.Host = "localhost" },
		"the scope": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "eu-west-1", 1))
		},
		"the signature": func(r *http.Request) {
			head, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
			r.Header.Set("Authorization", head)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, account.endpoint+"/", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", jsonType)
			request.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
			sign(t, request, body)
			tamper(request)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			refused := strings.Contains(string(text), "InvalidSignature")
			if refused == (name == "nothing") || !refused && !strings.Contains(string(text), "ParameterNotFound") {
				t.Errorf("%s: %s", response.Status, text)
			}
		})
	}
}

// sign signs a request to SSM as the owner.
func sign(t *testing.T, request *http.Request, body []byte) {
	t.Helper()
	keys, err := config().Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, request, hashOf(body), "ssm", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
}

// No answer allows web pages to read it; moto would allow every page.
func TestAnswersAreClosedToWebPages(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(context.Context, aws.Config) error{
		"SSM": func(ctx context.Context, c aws.Config) error {
			_, err := ssm.NewFromConfig(c).DescribeParameters(ctx, &ssm.DescribeParametersInput{})
			return err
		},
		"S3": func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
	} {
		c, seen := config(), &closed{}
		c.HTTPClient = seen
		if err := try(t.Context(), c); err != nil || seen.answers == 0 {
			t.Errorf("%s: %v, %d answers", name, err, seen.answers)
		}
		if len(seen.open) > 0 {
			t.Errorf("%s: %v", name, seen.open)
		}
	}
}

// closed sends requests as a web page would, and reports what allows the page to read the answers.
type closed struct {
	answers int
	open    []string
}

func (c *closed) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Origin", "https://example.com")
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		c.answers++
		for name := range response.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				c.open = append(c.open, name)
			}
		}
	}
	return response, err
}

// A bucket policy that allows only new objects applies to everybody, including the account's owner.
func TestBucketsThatOnlyTakeNewObjects(t *testing.T) {
	t.Parallel()
	l, ctx, bucket := newLab(t), t.Context(), *newBucket(t)
	config, _ := l.assumed(allowing("s3:PutObject", "arn:aws:s3:::"+bucket+"/*"))
	role, owner := s3.NewFromConfig(config, pathStyle), s3.NewFromConfig(l.config(), pathStyle)
	ask(owner.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(`{"Version": "2012-10-17",
		"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::` + bucket + `/*",
		"Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}}]}`)})).must(t)
	put := func(client *s3.Client, key string, condition *string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("v"),
			IfNoneMatch: condition})
		return err
	}
	isNew := aws.String("*")
	if err := put(role, "a", isNew); err != nil {
		t.Fatal(err)
	}
	wantCode(t, put(role, "a", isNew), "PreconditionFailed", "")
	wantCode(t, put(role, "b", nil), "AccessDenied", "explicit deny")
	wantCode(t, put(owner, "a", nil), "AccessDenied", "explicit deny")
	if err := put(owner, "b", isNew); err != nil {
		t.Error(err)
	}
	upload := ask(role.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("a")})).must(t).UploadId
	part := ask(role.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: aws.String("a"), UploadId: upload,
		PartNumber: aws.Int32(1), Body: strings.NewReader("v")})).must(t).ETag
	complete := func(condition *string) error {
		_, err := role.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: aws.String("a"),
			UploadId: upload, IfNoneMatch: condition, MultipartUpload: &s3types.CompletedMultipartUpload{
				Parts: []s3types.CompletedPart{{ETag: part, PartNumber: aws.Int32(1)}}}})
		return err
	}
	wantCode(t, complete(nil), "AccessDenied", "explicit deny")
	wantCode(t, complete(isNew), "PreconditionFailed", "")
	_, err := role.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &bucket, Key: aws.String("c"), CopySource: aws.String(bucket + "/a")})
	wantCode(t, err, "AccessDenied", "")
}
