package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// sample is a request that needs a permission.
type sample struct {
	service, method, path string
	header                map[string]string
	target, body          string // of JSON services
	form                  url.Values
}

func ssmSample(action, body string) sample {
	return sample{service: "ssm", target: "AmazonSSM." + action, body: body}
}

func ecrSample(action string) sample {
	return sample{service: "ecr", target: "AmazonEC2ContainerRegistry_V20150921." + action,
		body: `{"repositoryName": "REPOSITORY"}`}
}

func s3Sample(method, path string, header ...string) sample {
	s := sample{service: "s3", method: method, path: path, header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		s.header[header[i]] = header[i+1]
	}
	return s
}

// samples are requests for each permission in the program's policies.
var samples = map[string]sample{
	"ecr:BatchCheckLayerAvailability": ecrSample("BatchCheckLayerAvailability"),
	"ecr:BatchGetImage":               ecrSample("BatchGetImage"),
	"ecr:CompleteLayerUpload":         ecrSample("CompleteLayerUpload"),
	"ecr:DescribeImages":              ecrSample("DescribeImages"),
	"ecr:GetAuthorizationToken":       ecrSample("GetAuthorizationToken"),
	"ecr:GetDownloadUrlForLayer":      ecrSample("GetDownloadUrlForLayer"),
	"ecr:InitiateLayerUpload":         ecrSample("InitiateLayerUpload"),
	"ecr:PutImage":                    ecrSample("PutImage"),
	"ecr:UploadLayerPart":             ecrSample("UploadLayerPart"),
	"kms:Decrypt":                     ssmSample("GetParameter", `{"Name": "PARAMETER", "WithDecryption": true}`),
	"kms:Encrypt":                     ssmSample("PutParameter", `{"Name": "/a", "Type": "SecureString", "KeyId": "KEY"}`),
	"s3:AbortMultipartUpload":         s3Sample(http.MethodDelete, "/bucket/key?uploadId=1"),
	"s3:BypassGovernanceRetention": s3Sample(http.MethodDelete, "/bucket/key?versionId=1",
		"X-Amz-Bypass-Governance-Retention", "true"),
	"s3:PutEncryptionConfiguration":  s3Sample(http.MethodPut, "/bucket?encryption"),
	"s3:PutReplicationConfiguration": s3Sample(http.MethodPut, "/bucket?replication"),
	"s3:PutObjectAcl":                s3Sample(http.MethodPut, "/bucket/key?acl"),
	"s3:PutObjectLegalHold":          s3Sample(http.MethodPut, "/bucket/key?legal-hold"),
	"s3:PutObjectVersionTagging":     s3Sample(http.MethodPut, "/bucket/key?tagging&versionId=1"),
	"s3:DeleteObject":                s3Sample(http.MethodDelete, "/bucket/key"),
	"s3:DeleteObjectVersion":         s3Sample(http.MethodDelete, "/bucket/key?versionId=1"),
	"s3:GetObject":                   s3Sample(http.MethodGet, "/bucket/key"),
	"s3:GetObjectVersion":            s3Sample(http.MethodGet, "/bucket/key?versionId=1"),
	"s3:ListBucket":                  s3Sample(http.MethodGet, "/bucket?list-type=2&prefix=a/"),
	"s3:ListBucketVersions":          s3Sample(http.MethodGet, "/bucket?versions&prefix=a/"),
	"s3:ListMultipartUploadParts":    s3Sample(http.MethodGet, "/bucket/key?uploadId=1"),
	"s3:PutBucketPolicy":             s3Sample(http.MethodPut, "/bucket?policy"),
	"s3:PutLifecycleConfiguration":   s3Sample(http.MethodPut, "/bucket?lifecycle"),
	"s3:PutBucketVersioning":         s3Sample(http.MethodPut, "/bucket?versioning"),
	"s3:PutObject": s3Sample(http.MethodPut, "/bucket/key", "If-None-Match", "*",
		"X-Amz-Object-Lock-Mode", "GOVERNANCE", "X-Amz-Tagging", "k=v", "X-Amz-Storage-Class", "STANDARD"),
	"s3:PutObjectRetention":      s3Sample(http.MethodPut, "/bucket/key?retention"),
	"s3:PutObjectTagging":        s3Sample(http.MethodPut, "/bucket/key?tagging"),
	"ssm:AddTagsToResource":      ssmSample("AddTagsToResource", `{"ResourceType": "Parameter", "ResourceId": "/a"}`),
	"ssm:DeleteParameter":        ssmSample("DeleteParameter", `{"Name": "/a"}`),
	"ssm:GetCommandInvocation":   ssmSample("GetCommandInvocation", `{}`),
	"ssm:GetParameter":           ssmSample("GetParameter", `{"Name": "/a"}`),
	"ssm:GetParameterHistory":    ssmSample("GetParameterHistory", `{"Name": "/a"}`),
	"ssm:GetParameters":          ssmSample("GetParameters", `{"Names": ["/a"]}`),
	"ssm:GetParametersByPath":    ssmSample("GetParametersByPath", `{"Path": "/a"}`),
	"ssm:ListCommandInvocations": ssmSample("ListCommandInvocations", `{}`),
	"ssm:ListCommands":           ssmSample("ListCommands", `{}`),
	"ssm:PutParameter":           ssmSample("PutParameter", `{"Name": "/a"}`),
	"ssm:SendCommand":            ssmSample("SendCommand", `{"DocumentName": "d", "InstanceIds": ["INSTANCE"]}`),
	"ssm:StartSession":           ssmSample("StartSession", `{"Target": "INSTANCE"}`),
}

// unbound are the permissions that AWS does not restrict to resources.
var unbound = []string{
	"ecr:GetAuthorizationToken", "ssm:GetCommandInvocation", "ssm:ListCommandInvocations", "ssm:ListCommands",
}

// byTrust are decided by a role's trust policy, when it is assumed; TestRolesAreAssumedWithAWebIdentity and its neighbour
// try that.
var byTrust = []string{"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"}

// demands returns the permissions that a sample needs, on the resources that the test has created.
func (s sample) demands(t *testing.T, made *strings.Replacer) ([]demand, error) {
	t.Helper()
	path, method := s.path, s.method
	if path == "" {
		path, method = "/", http.MethodPost
	}
	body := made.Replace(s.body)
	if s.form != nil {
		body = s.form.Encode()
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	if s.target != "" {
		r.Header.Set("X-Amz-Target", s.target)
	}
	if s.form != nil {
		r.Header.Set("Content-Type", formType)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ASIATEST/20260101/us-east-1/"+s.service+"/aws4_request, ")
	c, err := identify(r)
	if err != nil {
		t.Fatal(err)
	}
	find, ok := demandsOf[c.service]
	if !ok {
		return nil, errUnmapped
	}
	return find(account.gateway, r.WithContext(withCall(r.Context(), c)), c, &session{account: "123456789012", role: "r", name: "n"})
}

// spoken returns the actions in the program's policies, and the condition keys that each has somewhere.
func spoken(t *testing.T) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	graphs, err := filepath.Glob("../../stack/testdata/TestGraph/*/up.json")
	if err != nil || len(graphs) == 0 {
		t.Fatalf("cannot read the program's graphs: %v", err)
	}
	texts := func(value any) []string {
		if one, ok := value.(string); ok {
			return []string{one}
		}
		var list []string
		for _, one := range value.([]any) {
			list = append(list, one.(string))
		}
		return list
	}
	statement := func(s map[string]any) {
		for _, action := range texts(s["Action"]) {
			if out[action] == nil {
				out[action] = map[string]bool{}
			}
			conditions, _ := s["Condition"].(map[string]any)
			for _, keys := range conditions {
				for key := range keys.(map[string]any) {
					out[action][key] = true
				}
			}
		}
	}
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if list, ok := value["Statement"].([]any); ok {
				for _, one := range list {
					statement(one.(map[string]any))
				}
			}
			for _, one := range value {
				walk(one)
			}
		case []any:
			for _, one := range value {
				walk(one)
			}
		}
	}
	for _, graph := range graphs {
		text, err := os.ReadFile(graph)
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := json.Unmarshal(text, &content); err != nil {
			t.Fatal(err)
		}
		walk(content)
	}
	return out
}

// things creates the resources of the samples, with the tags that the program's conditions use.
func things(t *testing.T) *strings.Replacer {
	t.Helper()
	const tag = "webstack:stack"
	name := unique()
	instance := launched(t, func(in *ec2.RunInstancesInput) {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
			Tags: []types.Tag{{Key: aws.String(tag), Value: aws.String("v")}}}}
	})
	ask(ecr.NewFromConfig(config()).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name,
		Tags: []ecrtypes.Tag{{Key: aws.String(tag), Value: aws.String("v")}}})).must(t)
	key := ask(kmsClient().CreateKey(t.Context(), &kms.CreateKeyInput{})).must(t).KeyMetadata.Arn
	ask(ssmClient().PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/" + name), Value: aws.String("v"),
		Type: ssmtypes.ParameterTypeSecureString, KeyId: key})).must(t)
	return strings.NewReplacer("INSTANCE", *instance.InstanceId, "REPOSITORY", name, "PARAMETER", "/"+name, "KEY", *key)
}

// The gateway decides on every permission that the program grants or denies by action, resource and condition.
func TestPermissionsInPoliciesAreMapped(t *testing.T) {
	t.Parallel()
	made := things(t)
	wanted := spoken(t)
	if len(wanted) < 20 {
		t.Fatalf("the policies contain only %v", slices.Sorted(maps.Keys(wanted)))
	}
	for _, action := range slices.Sorted(maps.Keys(samples)) {
		if wanted[action] == nil {
			wanted[action] = nil // no policy denies it: the role just does not have it
		}
	}
	for _, action := range slices.Sorted(maps.Keys(wanted)) {
		if strings.Contains(action, "*") || slices.Contains(byTrust, action) {
			continue
		}
		given, ok := samples[action]
		if !ok {
			t.Errorf("%s: no request is known that needs this permission; add a sample, and map it in demands*.go", action)
			continue
		}
		demands, err := given.demands(t, made)
		if err != nil {
			t.Errorf("%s: %v", action, err)
			continue
		}
		index := slices.IndexFunc(demands, func(d demand) bool { return d.action == action })
		if index < 0 {
			t.Errorf("%s: the sample needs %+v", action, demands)
			continue
		}
		if (demands[index].resource == anything) != slices.Contains(unbound, action) {
			t.Errorf("%s: it is about the resource %s", action, demands[index].resource)
		}
		for key := range wanted[action] {
			if !slices.ContainsFunc(demands, func(d demand) bool {
				_, has := withCommon(d.context, "us-east-1", "123456789012", "")[key]
				return d.action == action && has
			}) {
				t.Errorf("%s: a policy looks at %s, which no request has: %+v", action, key, demands)
			}
		}
	}
}

// Permissions that no policy grants are known, too, and apply to resources.
func TestOtherPermissionsAreMapped(t *testing.T) {
	t.Parallel()
	made := things(t)
	form := func(service string, values ...string) sample {
		s := sample{service: service, form: url.Values{}}
		for i := 0; i < len(values); i += 2 {
			s.form.Set(values[i], values[i+1])
		}
		return s
	}
	blob := base64.StdEncoding.EncodeToString([]byte("01234567-89ab-cdef-0123-456789abcdef and more"))
	for want, s := range map[string]sample{
		"ec2:TerminateInstances arn:aws:ec2:us-east-1:123456789012:instance/i-1": form("ec2", "Action", "TerminateInstances",
			"InstanceId.1", "i-1"),
		"ec2:CreateVpc *": form("ec2", "Action", "CreateVpc", "CidrBlock", "10.0.0.0/16"),
		"iam:PutRolePolicy arn:aws:iam::123456789012:role/host": form("iam", "Action", "PutRolePolicy", "RoleName", "host",
			"PolicyName", "p"),
		"iam:PassRole arn:aws:iam::123456789012:role/host": form("iam", "Action", "AddRoleToInstanceProfile", "RoleName",
			"host", "InstanceProfileName", "p"),
		"iam:CreatePolicyVersion arn:aws:iam::123456789012:policy/p": form("iam", "Action", "CreatePolicyVersion", "PolicyArn",
			"arn:aws:iam::123456789012:policy/p"),
		"iam:ListRoles *": form("iam", "Action", "ListRoles"),
		"rds:DeleteDBInstance arn:aws:rds:us-east-1:123456789012:db:d": form("rds", "Action", "DeleteDBInstance",
			"DBInstanceIdentifier", "d"),
		"kms:Decrypt 01234567-89ab-cdef-0123-456789abcdef": {service: "kms", target: "TrentService.Decrypt",
			body: `{"CiphertextBlob": "` + blob + `"}`},
		"kms:ListKeys *":         {service: "kms", target: "TrentService.ListKeys", body: `{}`},
		"ecr:DescribeRegistry *": {service: "ecr", target: "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry", body: `{}`},
		"ssm:UpdateDocument arn:aws:ssm:us-east-1:123456789012:document/d": ssmSample("UpdateDocument", `{"Name": "d"}`),
		"ssm:DeleteAssociation arn:aws:ssm:us-east-1:123456789012:association/a": ssmSample("DeleteAssociation",
			`{"AssociationId": "a"}`),
		"s3:DeleteBucketPolicy arn:aws:s3:::bucket":               s3Sample(http.MethodDelete, "/bucket?policy"),
		"s3:PutBucketAcl arn:aws:s3:::bucket":                     s3Sample(http.MethodPut, "/bucket?acl"),
		"s3:PutBucketObjectLockConfiguration arn:aws:s3:::bucket": s3Sample(http.MethodPut, "/bucket?object-lock"),
		"s3:PutObjectVersionTagging arn:aws:s3:::bucket/key":      s3Sample(http.MethodPut, "/bucket/key?tagging&versionId=1"),
	} {
		demands, err := s.demands(t, made)
		if err != nil || !slices.ContainsFunc(demands, func(d demand) bool { return d.action+" "+d.resource == want }) {
			t.Errorf("%s: %+v, %v", want, demands, err)
		}
	}
	for name, s := range map[string]sample{
		"a service without a map": {service: "logs", target: "Logs_20140328.DescribeLogGroups", body: `{}`},
		"a call without a map":    ssmSample("GetCalendarState", `{}`),
		"a rare one of S3":        s3Sample(http.MethodPatch, "/bucket/key"),
	} {
		if demands, err := s.demands(t, made); !errors.Is(err, errUnmapped) {
			t.Errorf("%s: %+v, %v; want the error of what is not mapped", name, demands, err)
		}
	}
}
