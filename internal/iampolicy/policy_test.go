package iampolicy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/pulumitest"
)

// holder is a resource that carries a policy.
type holder struct{ pulumi.CustomResourceState }

// maker makes a document about a bucket.
type maker func(arn pulumi.StringOutput) pulumi.StringOutput

// render is the document as a resource is sent it; known tells whether a preview knows it.
func render(t *testing.T, dry bool, document maker) (text string, known bool) {
	t.Helper()
	recorder := pulumitest.MustRun(t, func(ctx *pulumi.Context) error {
		bucket := &holder{}
		if err := ctx.RegisterResource("store:index:Bucket", "bucket", nil, bucket); err != nil {
			return err
		}
		inputs := pulumi.Map{"policy": document(pulumi.Sprintf("arn:aws:s3:::%s", bucket.ID()))}
		return ctx.RegisterResource("store:index:Policy", "policy", inputs, &holder{})
	}, pulumitest.Options{DryRun: dry})
	policy := recorder.One(t, "store:index:Policy", "policy")
	return policy.Text("policy"), !policy.IsUnknown("policy")
}

func TestDocument(t *testing.T) {
	t.Parallel()
	text, _ := render(t, false, func(arn pulumi.StringOutput) pulumi.StringOutput {
		return Document(
			Statement{
				Sid: "Read", Action: []string{"s3:GetObject"},
				Resource:  []any{pulumi.Sprintf("%s/*", arn), "arn:aws:s3:::other/*"},
				Condition: Condition{"StringEquals": {"aws:SourceVpc": {"vpc-1"}}},
			},
			Statement{Effect: "Deny", Principal: map[string]any{"AWS": arn}, Action: []string{"s3:*"}},
		)
	})
	var got any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	want := map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{
			"Sid": "Read", "Effect": "Allow", "Action": []any{"s3:GetObject"},
			"Resource":  []any{"arn:aws:s3:::bucket-id/*", "arn:aws:s3:::other/*"},
			"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceVpc": []any{"vpc-1"}}},
		},
		map[string]any{
			"Effect": "Deny", "Principal": map[string]any{"AWS": "arn:aws:s3:::bucket-id"}, "Action": []any{"s3:*"},
		},
	}}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
}

// A document with an ARN that nobody knows yet must be unknown as a whole, not one with a hole.
func TestDocumentInAPreview(t *testing.T) {
	t.Parallel()
	ofBucket := func(arn pulumi.StringOutput) pulumi.StringOutput {
		return Document(TLSOnly(arn, pulumi.Sprintf("%s/*", arn)))
	}
	if text, known := render(t, true, ofBucket); known {
		t.Errorf("the policy of an unknown bucket is %s", text)
	}
	plain := func(pulumi.StringOutput) pulumi.StringOutput {
		return Document(TLSOnly("arn:aws:s3:::plain", "arn:aws:s3:::plain/*"))
	}
	if text, known := render(t, true, plain); !known || text == "" {
		t.Error("a policy of plain values is unknown in a preview")
	}
}

func TestTLSOnly(t *testing.T) {
	t.Parallel()
	text, _ := render(t, false, func(arn pulumi.StringOutput) pulumi.StringOutput {
		return Document(TLSOnly(arn, pulumi.Sprintf("%s/*", arn)))
	})
	const want = `{"Statement":[{"Action":["s3:*"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}},` +
		`"Effect":"Deny","Principal":"*","Resource":["arn:aws:s3:::bucket-id","arn:aws:s3:::bucket-id/*"],` +
		`"Sid":"TlsOnly"}],"Version":"2012-10-17"}`
	if text != want {
		t.Errorf("policy %s, want %s", text, want)
	}
}
