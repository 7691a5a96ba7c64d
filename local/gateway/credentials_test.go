package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"webstack/local/machine"
)

// allowing returns a policy that allows actions on resources.
func allowing(actions, resources string, condition ...string) string {
	more := ""
	if len(condition) > 0 {
		more = `, "Condition": ` + condition[0]
	}
	list := func(text string) string { return `["` + strings.ReplaceAll(text, " ", `", "`) + `"]` }
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ` + list(actions) + `, "Resource": ` +
		list(resources) + more + `}]}`
}

// as returns the configuration of a client with credentials.
func (l *lab) as(c machine.Credentials) aws.Config {
	config := l.config()
	config.Credentials = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.Token)
	config.RetryMaxAttempts = 1
	return config
}

// anyone trusts the whole account.
const anyone = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", ` +
	`"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}]}`

// assumed returns a client's configuration with a role of its own, and the role.
func (l *lab) assumed(policy string) (aws.Config, string) {
	l.t.Helper()
	role := l.role(anyone, policy)
	return l.as(l.assume(role)), role
}

func (l *lab) assume(role string) machine.Credentials {
	l.t.Helper()
	out := ask(sts.NewFromConfig(l.config()).AssumeRole(l.t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/" + role), RoleSessionName: aws.String("test")})).must(l.t)
	return given(out.Credentials)
}

func given(c *ststypes.Credentials) machine.Credentials {
	return machine.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, Token: *c.SessionToken,
		Expiration: *c.Expiration}
}

func TestInstanceCredentialsAreTheRolesAndChange(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	name := l.profile(allowing("ssm:GetParameter", "arn:aws:ssm:us-east-1:123456789012:parameter/*"))
	id := l.launch(func(in *ec2.RunInstancesInput) {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: &name}
	})
	l.settle()
	get := func() machine.Credentials { return ask(l.gateway.Credentials(t.Context(), id)).must(t) }
	first := get()
	if !strings.HasPrefix(first.AccessKeyID, "ASIA") || get() != first {
		t.Errorf("credentials %s, then %s", first.AccessKeyID, get().AccessKeyID)
	}
	who := ask(sts.NewFromConfig(l.as(first)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})).must(t)
	if want := "arn:aws:sts::123456789012:assumed-role/" + name + "/" + id; *who.Arn != want || *who.Account != "123456789012" {
		t.Errorf("identity %s, want %s", *who.Arn, want)
	}
	l.clock.forward(instanceLife - instanceRenewal + time.Minute)
	second := get()
	if second == first || !second.Expiration.After(first.Expiration) {
		t.Errorf("near their end: %+v", second)
	}
	read := func(c machine.Credentials) error {
		_, err := ssm.NewFromConfig(l.as(c)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/none")})
		return err
	}
	wantCode(t, read(first), "ParameterNotFound", "") // still good
	l.clock.forward(instanceRenewal)
	wantCode(t, read(first), "ExpiredTokenException", "expired")
	wantCode(t, read(second), "ParameterNotFound", "")
	other := l.launch(nil)
	l.settle()
	if _, err := l.gateway.Credentials(t.Context(), other); err == nil {
		t.Error("an instance without a profile has credentials")
	}
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestForgedCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	good := l.assume(l.role(anyone, allowing("*", "*")))
	for name, test := range map[string]struct {
		change          func(*machine.Credentials)
		json, query, s3 string
	}{
		"an unknown key": {func(c *machine.Credentials) { c.AccessKeyID = "ASIAAAAAAAAAAAAAAAAA" },
			"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"},
		"another token": {func(c *machine.Credentials) { c.Token += "x" },
			"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"},
		"another secret": {func(c *machine.Credentials) { c.SecretAccessKey += "x" },
			"InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"},
	} {
		bad := good
		test.change(&bad)
		config := l.as(bad)
		_, err := ssm.NewFromConfig(config).ListCommands(ctx, &ssm.ListCommandsInput{})
		wantCode(t, err, test.json, "")
		_, err = sts.NewFromConfig(config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		wantCode(t, err, test.query, "")
		_, err = s3.NewFromConfig(config, pathStyle).ListBuckets(ctx, &s3.ListBucketsInput{})
		wantCode(t, err, test.s3, "")
		_, err = ec2.NewFromConfig(config).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
		wantCode(t, err, "AuthFailure", "")
		if t.Failed() {
			t.Fatalf("with %s", name)
		}
	}
	ask(ec2.NewFromConfig(l.as(good)).DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})).must(t)
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

func TestParametersNeedPermission(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	own := ssm.NewFromConfig(l.config())
	base := "/" + unique()
	key := *ask(kms.NewFromConfig(l.config()).CreateKey(ctx, &kms.CreateKeyInput{})).must(t).KeyMetadata
	for name, in := range map[string]*ssm.PutParameterInput{
		"plain":  {Type: ssmtypes.ParameterTypeString},
		"secret": {Type: ssmtypes.ParameterTypeSecureString, KeyId: key.KeyId},
	} {
		in.Name, in.Value = aws.String(base+"/"+name), aws.String("value")
		ask(own.PutParameter(ctx, in)).must(t)
	}
	arn := "arn:aws:ssm:us-east-1:123456789012:parameter" + base
	config, role := l.assumed(allowing("ssm:GetParameter ssm:GetParametersByPath", arn+"/* "+arn))
	client := ssm.NewFromConfig(config)
	get := func(name string, decrypt bool) error {
		_, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(base + name), WithDecryption: &decrypt})
		return err
	}
	byPath := func() error {
		_, err := client.GetParametersByPath(ctx, &ssm.GetParametersByPathInput{
			Path: &base, Recursive: aws.Bool(true), WithDecryption: aws.Bool(true)})
		return err
	}
	if err := get("/plain", true); err != nil {
		t.Error(err)
	}
	if err := get("/secret", false); err != nil {
		t.Errorf("encrypted: %v", err)
	}
	user := "User: arn:aws:sts::123456789012:assumed-role/" + role + "/test is not authorized to perform: "
	const noPolicy = " because no identity-based policy allows the "
	wantCode(t, get("/secret", true), "AccessDeniedException",
		user+"kms:Decrypt on resource: "+*key.Arn+noPolicy+"kms:Decrypt action")
	wantCode(t, byPath(), "AccessDeniedException", "kms:Decrypt")
	wantCode(t, get("elsewhere", false), "AccessDeniedException",
		user+"ssm:GetParameter on resource: "+arn+"elsewhere"+noPolicy+"ssm:GetParameter action")
	_, err := client.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{base + "/plain"}})
	wantCode(t, err, "AccessDeniedException", "ssm:GetParameters")
	_, err = client.PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String(base + "/plain"), Value: aws.String("new"),
		Overwrite: aws.Bool(true)})
	wantCode(t, err, "AccessDeniedException", "ssm:PutParameter")

	// Another key's permission does not help; this one's does, by way of Parameter Store only.
	decrypt := func(service string) string {
		return `{"Version": "2012-10-17", "Statement": [
			{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"},
			{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "` + *key.Arn + `",
				"Condition": {"StringEquals": {"kms:ViaService": "` + service + `.us-east-1.amazonaws.com"}}}]}`
	}
	l.grant(role, decrypt("s3"))
	wantCode(t, get("/secret", true), "AccessDeniedException", "kms:Decrypt")
	l.grant(role, decrypt("ssm"))
	if err := get("/secret", true); err != nil {
		t.Error(err)
	}
	if err := byPath(); err != nil {
		t.Error(err)
	}
	_, err = kms.NewFromConfig(config).GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: key.KeyId, NumberOfBytes: aws.Int32(32)})
	wantCode(t, err, "AccessDeniedException", "kms:GenerateDataKey on resource: "+*key.Arn)
}

func TestObjectsNeedPermission(t *testing.T) {
	t.Parallel()
	l, ctx, bucket := newLab(t), t.Context(), unique()
	own := s3.NewFromConfig(l.config(), pathStyle)
	ask(own.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})).must(t)
	put := func(client *s3.Client, key string) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("text")})
		return err
	}
	for _, key := range []string{"bundle/one", "other"} {
		if err := put(own, key); err != nil {
			t.Fatal(err)
		}
	}
	config, role := l.assumed(allowing("s3:GetObject", "arn:aws:s3:::"+bucket+"/bundle/*"))
	client := s3.NewFromConfig(config, pathStyle)
	get := func(key string) error {
		out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err == nil {
			_ = out.Body.Close()
		}
		return err
	}
	list := func(prefix string) error {
		_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		return err
	}
	if err := get("bundle/one"); err != nil {
		t.Error(err)
	}
	wantCode(t, get("other"), "AccessDenied", "s3:GetObject on resource: arn:aws:s3:::"+bucket+"/other")
	wantCode(t, get("bundle/none"), "AccessDenied", "s3:ListBucket") // may not know that it is missing
	wantCode(t, list("bundle/"), "AccessDenied", "s3:ListBucket")
	wantCode(t, put(client, "bundle/one"), "AccessDenied", "s3:PutObject")
	_, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: aws.String("bundle/one")})
	wantCode(t, err, "AccessDenied", "s3:DeleteObject")
	_, err = client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &bucket})
	wantCode(t, err, "AccessDenied", "s3:GetEncryptionConfiguration on resource: arn:aws:s3:::"+bucket)
	_, err = client.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: &bucket})
	wantCode(t, err, "NotImplemented", "does not know which permission") // no denial

	l.grant(role, `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"],
			"Resource": "arn:aws:s3:::`+bucket+`/bundle/*"},
		{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::`+bucket+`",
			"Condition": {"StringLike": {"s3:prefix": "bundle/*"}}}]}`)
	if err := list("bundle/"); err != nil {
		t.Error(err)
	}
	wantCode(t, list(""), "AccessDenied", "s3:ListBucket")
	wantCode(t, get("bundle/none"), "NoSuchKey", "")
	if err := put(client, "bundle/two"); err != nil {
		t.Error(err)
	}
	upload := ask(client.CreateMultipartUpload(ctx,
		&s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("bundle/big")})).must(t)
	ask(client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &bucket, Key: upload.Key, UploadId: upload.UploadId,
		PartNumber: aws.Int32(1), Body: strings.NewReader("part")})).must(t)
	_, err = client.ListParts(ctx, &s3.ListPartsInput{Bucket: &bucket, Key: upload.Key, UploadId: upload.UploadId})
	wantCode(t, err, "AccessDenied", "s3:ListMultipartUploadParts")
	ask(client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &bucket, Key: upload.Key, UploadId: upload.UploadId})).must(t)

	link := ask(s3.NewPresignClient(client).PresignGetObject(ctx,
		&s3.GetObjectInput{Bucket: &bucket, Key: aws.String("bundle/one")})).must(t).URL
	for address, want := range map[string]int{link: http.StatusOK, link + "0": http.StatusForbidden} {
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("presigned: %d, want %d: %s", response.StatusCode, want, text)
		}
	}
	policy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
		"Resource": "arn:aws:s3:::` + bucket + `/bundle/two"}]}`
	ask(own.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})).must(t)
	wantCode(t, put(client, "bundle/two"), "AccessDenied", "explicit deny")
	if err := put(client, "bundle/three"); err != nil {
		t.Error(err)
	}
}

func TestCommandsNeedDocumentAndInstance(t *testing.T) {
	t.Parallel()
	l, ctx, stack := newLab(t), t.Context(), unique()
	launch := func(value string) string {
		return l.launch(func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance,
				Tags: []types.Tag{{Key: aws.String("stack"), Value: &value}}}}
		})
	}
	own, other := launch(stack), launch("other")
	config, _ := l.assumed(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "arn:aws:ssm:us-east-1:123456789012:document/deploy-shop"},
		{"Effect": "Allow", "Action": "ssm:SendCommand", "Resource": "arn:aws:ec2:us-east-1:123456789012:instance/*",
			"Condition": {"StringEquals": {"ssm:resourceTag/stack": "` + stack + `"}}}]}`)
	client := ssm.NewFromConfig(config)
	send := func(document string, change func(*ssm.SendCommandInput)) error {
		in := &ssm.SendCommandInput{DocumentName: &document}
		change(in)
		_, err := client.SendCommand(ctx, in)
		return err
	}
	to := func(ids ...string) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) { in.InstanceIds = ids }
	}
	tagged := func(values ...string) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) {
			in.Targets = []ssmtypes.Target{{Key: aws.String("tag:stack"), Values: values}}
		}
	}
	for name, test := range map[string]struct {
		err     error
		missing string // what is not allowed; "" when all is
	}{
		"to the own host":       {send("deploy-shop", to(own)), ""},
		"to the own host's tag": {send("deploy-shop", tagged(stack)), ""},
		"to another host":       {send("deploy-shop", to(other)), "instance/" + other},
		"to both":               {send("deploy-shop", to(own, other)), "instance/" + other},
		"to the tags of both":   {send("deploy-shop", tagged(stack, "other")), "instance/" + other},
		"to no host":            {send("deploy-shop", to("i-0123456789abcdef0")), "instance/i-0123456789abcdef0"},
		"to nobody's tag":       {send("deploy-shop", tagged("nobody")), "instance/*"},
		"another document":      {send("deploy-other", to(own)), "arn:aws:ssm:us-east-1:123456789012:document/deploy-other"},
		"a shell":               {send("AWS-RunShellScript", to(own)), "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"},
	} {
		if test.missing == "" {
			if test.err != nil && strings.Contains(test.err.Error(), "AccessDenied") {
				t.Errorf("%s: %v", name, test.err)
			}
			continue
		}
		wantCode(t, test.err, "AccessDeniedException", test.missing)
	}
	_, err := client.StartSession(ctx, &ssm.StartSessionInput{Target: &own})
	wantCode(t, err, "AccessDeniedException", "ssm:StartSession")
	_, err = client.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
		CommandId: aws.String("00000000-0000-0000-0000-000000000000"), InstanceId: &own})
	wantCode(t, err, "AccessDeniedException", "ssm:GetCommandInvocation")
}

func TestRepositoriesAreMatchedByTheirTags(t *testing.T) {
	t.Parallel()
	l, ctx, name := newLab(t), t.Context(), unique()
	own := ecr.NewFromConfig(l.config())
	ask(own.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &name,
		Tags: []ecrtypes.Tag{{Key: aws.String("stack"), Value: &name}}})).must(t)
	other := unique()
	ask(own.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &other})).must(t)
	config, _ := l.assumed(allowing("ecr:ListImages", "arn:aws:ecr:us-east-1:123456789012:repository/*",
		`{"StringEquals": {"aws:ResourceTag/stack": "`+name+`"}}`))
	client := ecr.NewFromConfig(config)
	ask(client.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: &name})).must(t)
	_, err := client.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: &other})
	wantCode(t, err, "AccessDeniedException", "repository/"+other)
	_, err = client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	wantCode(t, err, "AccessDeniedException", "ecr:GetAuthorizationToken")
	_, err = client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	wantCode(t, err, "AccessDeniedException", "ecr:DescribeRepositories")
}

func TestManagedPoliciesCountAndRolesEnd(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	config, role := l.assumed("")
	client := ssm.NewFromConfig(config)
	list := func() error {
		_, err := client.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})
		return err
	}
	wantCode(t, list(), "AccessDeniedException", "ssm:DescribeInstanceInformation")
	for _, arn := range []string{
		"arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy", "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
	} {
		ask(l.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})).must(t)
	}
	if err := list(); err != nil {
		t.Error(err)
	}
	_, err := iam.NewFromConfig(config).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(unique()),
		AssumeRolePolicyDocument: aws.String(anyone)})
	wantCode(t, err, "AccessDenied", "iam:CreateRole")
	_, err = ec2.NewFromConfig(config).CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16")})
	wantCode(t, err, "UnauthorizedOperation", "ec2:CreateVpc")
	l.grant(role, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",
		"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}]}`)
	wantCode(t, list(), "AccessDeniedException", "DateGreaterThan") // which is not understood
}

// token returns a web token with claims, signed as the laptop cloud wants it.
func token(claims map[string]any) *string { return signedToken(claims, "HS256", secretKey) }

func signedToken(claims map[string]any, algorithm, key string) *string {
	text, _ := json.Marshal(claims)
	part := base64.RawURLEncoding.EncodeToString
	content := part([]byte(`{"alg":"`+algorithm+`"}`)) + "." + part(text)
	sum := hmac.New(sha256.New, []byte(key))
	sum.Write([]byte(content))
	return aws.String(content + "." + part(sum.Sum(nil)))
}

func TestRolesAreAssumedWithAWebIdentity(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	issuer := unique() + ".example.com"
	provider := *ask(l.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://" + issuer), ClientIDList: []string{"sts.amazonaws.com"}})).must(t).OpenIDConnectProviderArn
	role := l.role(fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": %q},
		"Condition": {"StringEquals": {"%s:aud": "sts.amazonaws.com", "%s:sub": ["repo:o/r:ref:refs/heads/main", "other"]}}}]}`,
		provider, issuer, issuer), allowing("ssm:DescribeParameters", "*"))
	claims := func(change ...any) map[string]any {
		out := map[string]any{"iss": "https://" + issuer, "aud": "sts.amazonaws.com", "sub": "repo:o/r:ref:refs/heads/main",
			"exp": time.Now().Add(time.Hour).Unix()}
		for i := 0; i < len(change); i += 2 {
			out[change[i].(string)] = change[i+1]
		}
		return out
	}
	anonymous := l.config()
	anonymous.Credentials = aws.AnonymousCredentials{}
	client := sts.NewFromConfig(anonymous)
	assume := func(given *string, role string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{WebIdentityToken: given,
			RoleArn: aws.String("arn:aws:iam::123456789012:role/" + role), RoleSessionName: aws.String("run")})
	}
	out := ask(assume(token(claims()), role)).must(t)
	if *out.SubjectFromWebIdentityToken != "repo:o/r:ref:refs/heads/main" || *out.Provider != provider {
		t.Errorf("answer %+v", out)
	}
	ask(ssm.NewFromConfig(l.as(given(out.Credentials))).DescribeParameters(ctx, &ssm.DescribeParametersInput{})).must(t)
	for name, test := range map[string]struct {
		token *string
		code  string
	}{
		"another branch":   {token(claims("sub", "repo:o/r:ref:refs/heads/dev")), "AccessDenied"},
		"another audience": {token(claims("aud", "elsewhere")), "InvalidIdentityToken"},
		"another issuer":   {token(claims("iss", "https://other.example.com")), "InvalidIdentityToken"},
		"an old token":     {token(claims("exp", time.Now().Add(-time.Minute).Unix())), "ExpiredTokenException"},
		"no end":           {token(claims("exp", nil)), "InvalidIdentityToken"},
		"no token":         {aws.String("text"), "InvalidIdentityToken"},
		"another key":      {signedToken(claims(), "HS256", "another"), "InvalidIdentityToken"},
		"no key":           {signedToken(claims(), "HS256", ""), "InvalidIdentityToken"},
		"no algorithm":     {signedToken(claims(), "none", secretKey), "InvalidIdentityToken"},
	} {
		_, err := assume(test.token, role)
		t.Log(name)
		wantCode(t, err, test.code, "")
	}
	_, err := assume(token(claims()), "nobody")
	wantCode(t, err, "AccessDenied", "")
	_, err = assume(token(claims()), l.role(anyone, ""))
	wantCode(t, err, "AccessDenied", "Not authorized")
}

func TestRolesAreAssumedByWhomTheyTrust(t *testing.T) {
	t.Parallel()
	l, ctx := newLab(t), t.Context()
	config, name := l.assumed("")
	trusting := l.role(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
		"Principal": {"AWS": "arn:aws:iam::123456789012:role/`+name+`"}}]}`, "")
	assume := func(config aws.Config, role string, seconds int32) error {
		_, err := sts.NewFromConfig(config).AssumeRole(ctx, &sts.AssumeRoleInput{DurationSeconds: &seconds,
			RoleArn: aws.String("arn:aws:iam::123456789012:role/" + role), RoleSessionName: aws.String("test")})
		return err
	}
	wantCode(t, assume(config, trusting, 3600), "AccessDenied", "sts:AssumeRole")
	l.grant(name, allowing("sts:AssumeRole", "arn:aws:iam::123456789012:role/"+trusting))
	if err := assume(config, trusting, 3600); err != nil {
		t.Error(err)
	}
	wantCode(t, assume(l.config(), trusting, 3600), "AccessDenied", trusting)
	wantCode(t, assume(config, trusting, 7200), "ValidationError", "MaxSessionDuration")
	wantCode(t, assume(config, trusting, 60), "ValidationError", "DurationSeconds")
}
