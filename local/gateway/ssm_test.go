package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestUbuntuImagesAreNamedByPublicParameters(t *testing.T) {
	t.Parallel()
	client, ctx := ssmClient(), t.Context()
	for arch, want := range map[string]string{"arm64": "arm64", "amd64": "x86_64"} {
		name := "/aws/service/canonical/ubuntu/server/24.04/stable/current/" + arch + "/hvm/ebs-gp3/ami-id"
		parameter := ask(client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})).must(t).Parameter
		images := ask(ec2Client().DescribeImages(ctx,
			&ec2.DescribeImagesInput{ImageIds: []string{*parameter.Value}})).must(t).Images
		if *parameter.ARN != "arn:aws:ssm:us-east-1::parameter"+name || parameter.Type != types.ParameterTypeString ||
			*parameter.DataType != "aws:ec2:image" {
			t.Errorf("parameter: %+v", parameter)
		}
		if string(images[0].Architecture) != want || *images[0].RootDeviceName != "/dev/sda1" ||
			!strings.Contains(*images[0].Name, "ubuntu-noble-24.04-"+arch) {
			t.Errorf("%s: %+v", arch, images[0])
		}
		own := "/" + unique()
		ask(client.PutParameter(ctx, &ssm.PutParameterInput{Name: &own, Value: aws.String("v"), Type: "String"})).must(t)
		several := ask(client.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{name, own, "/none"}})).must(t)
		if len(several.Parameters) != 2 || len(several.InvalidParameters) != 1 || several.InvalidParameters[0] != "/none" {
			t.Errorf("several: %+v", several)
		}
	}
	other := "/aws/service/canonical/ubuntu/server/24.04/stable/current/riscv64/hvm/ebs-gp3/ami-id"
	_, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &other})
	wantCode(t, err, "ParameterNotFound", "")
}

func TestParametersThatAWSWouldRefuse(t *testing.T) {
	t.Parallel()
	client, key := ssmClient(), ask(kmsClient().CreateKey(t.Context(), &kms.CreateKeyInput{})).must(t).KeyMetadata
	name := func() *string { return aws.String("/webstack/" + unique()) }
	for what, in := range map[string]*ssm.PutParameterInput{
		"standard": {Name: name(), Type: "String", Value: aws.String(strings.Repeat("x", 4096))},
		"advanced": {Name: name(), Type: "String", Value: aws.String(strings.Repeat("x", 8192)),
			Tier: "Advanced"},
		"intelligent": {Name: name(), Type: "String", Value: aws.String(strings.Repeat("x", 4097)),
			Tier: "Intelligent-Tiering"},
		"single braces":              {Name: name(), Type: "String", Value: aws.String("{$DOMAIN} {a{b}}")},
		"secret with a key":          {Name: name(), Type: "SecureString", Value: aws.String("s"), KeyId: key.KeyId},
		"secret with the key's name": {Name: name(), Type: "SecureString", Value: aws.String("s"), KeyId: key.Arn},
		"secret with AWS's key": {Name: name(), Type: "SecureString", Value: aws.String("s"),
			KeyId: aws.String("alias/aws/ssm")},
		"15 levels": {Name: aws.String(*name() + strings.Repeat("/x", 13)), Type: "String",
			Value: aws.String("v")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ask(client.PutParameter(t.Context(), in)).must(t)
			got := ask(client.GetParameter(t.Context(),
				&ssm.GetParameterInput{Name: in.Name, WithDecryption: aws.Bool(true)})).must(t)
			if *got.Parameter.Value != *in.Value {
				t.Errorf("read %q", *got.Parameter.Value)
			}
		})
	}
	for what, bad := range map[string]struct {
		in         ssm.PutParameterInput
		code, word string
	}{
		"too long": {ssm.PutParameterInput{Value: aws.String(strings.Repeat("x", 4097))}, "ValidationException",
			"4097"},
		"too long advanced": {ssm.PutParameterInput{Value: aws.String(strings.Repeat("x", 8193)), Tier: "Advanced"},
			"ValidationException", "8193"},
		"nested":      {ssm.PutParameterInput{Value: aws.String("{{ssm:x}}")}, "ValidationException", "nest"},
		"braces open": {ssm.PutParameterInput{Value: aws.String("a {{ b } c")}, "ValidationException", "nest"},
		"no leading slash": {ssm.PutParameterInput{Name: aws.String("webstack/x")}, "ValidationException",
			"fully qualified"},
		"bad character": {ssm.PutParameterInput{Name: aws.String("/web stack")}, "ValidationException", "web stack"},
		"too deep": {ssm.PutParameterInput{Name: aws.String(strings.Repeat("/x", 16))},
			"HierarchyLevelLimitExceededException", "15"},
		"reserved": {ssm.PutParameterInput{Name: aws.String("/aws/x")}, "AccessDeniedException", ""},
		"no such key": {ssm.PutParameterInput{Type: "SecureString", KeyId: aws.String("alias/none")},
			"InvalidKeyId", "alias/none"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			in := bad.in
			if in.Name == nil {
				in.Name = name()
			}
			if in.Value == nil {
				in.Value = aws.String("v")
			}
			if in.Type == "" {
				in.Type = types.ParameterTypeString
			}
			_, err := client.PutParameter(t.Context(), &in)
			wantCode(t, err, bad.code, bad.word)
		})
	}
}

func TestDocumentsShowTheirPlatforms(t *testing.T) {
	t.Parallel()
	client, name := ssmClient(), newDocument(t)
	found := ask(client.DescribeDocument(t.Context(), &ssm.DescribeDocumentInput{Name: name})).must(t).Document
	if len(found.PlatformTypes) != 2 || found.PlatformTypes[0] != types.PlatformTypeLinux {
		t.Errorf("platforms: %v", found.PlatformTypes)
	}
}

func TestDocumentsThatAWSWouldRefuse(t *testing.T) {
	t.Parallel()
	client := ssmClient()
	step := `{"action":"aws:runShellScript","name":"a","inputs":{"runCommand":["true"]}}`
	content := func(parameters, steps string) string {
		return `{"schemaVersion":"2.2","parameters":{` + parameters + `},"mainSteps":[` + steps + `]}`
	}
	long, err := json.Marshal(strings.Repeat("x", 64<<10))
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string]struct{ name, content, code, word string }{
		"too long": {"", content(`"x":{"type":"String","description":`+string(long)+`}`, step),
			"MaxDocumentSizeExceeded", ""},
		"neither format": {"", "{", "InvalidDocumentContent", ""},
		"reserved name":  {"Amazon-x", content("", step), "ValidationException", "amazon"},
		"bad name":       {"a b c", content("", step), "ValidationException", "a b c"},
		"no steps":       {"", content("", ""), "InvalidDocumentContent", "mainSteps"},
		"unknown action": {"", content("", strings.Replace(step, "runShell", "runShel", 1)), "InvalidDocumentContent",
			"aws:runShelScript"},
		"bad step name":   {"", content("", strings.Replace(step, `"a"`, `"a b"`, 1)), "InvalidDocumentContent", "a b"},
		"same step twice": {"", content("", step+","+step), "InvalidDocumentContent", "Two steps"},
		"no commands": {"", content("", strings.Replace(step, "runCommand", "run", 1)), "InvalidDocumentContent",
			"runCommand"},
		"parameter name": {"", content(`"a_b":{"type":"String"}`, step), "InvalidDocumentContent", "a_b"},
		"parameter type": {"", content(`"ab":{"type":"Boolean"}`, step), "InvalidDocumentContent", "Boolean"},
		"pattern": {"", content(`"ab":{"type":"String","allowedPattern":"(?=x)"}`, step),
			"InvalidDocumentContent", "allowedPattern"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			name := bad.name
			if name == "" {
				name = unique()
			}
			_, err := client.CreateDocument(t.Context(), &ssm.CreateDocumentInput{
				Name: &name, Content: &bad.content, DocumentType: types.DocumentTypeCommand})
			wantCode(t, err, bad.code, bad.word)
		})
	}
	t.Run("update", func(t *testing.T) {
		t.Parallel()
		_, err := client.UpdateDocument(t.Context(), &ssm.UpdateDocumentInput{
			Name: newDocument(t), Content: aws.String(content("", "")), DocumentVersion: aws.String("1")})
		wantCode(t, err, "InvalidDocumentContent", "mainSteps")
	})
}
