// Package session tests sessions with the programs that people use: aws with the real session-manager-plugin, and
// webstack shell. The machines of their account run on this computer.
package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"webstack/contract"
	"webstack/internal/tooltest"
	"webstack/local/gateway"
	"webstack/local/moto"
	"webstack/local/session/sessiontest"
	"webstack/local/workdir"
)

const (
	region = "us-east-1"
	secret = "laptop"
	// project and stack are what the host is tagged with.
	project = "webstack"
	stack   = "shell"
)

// account is the account of all tests, with one host.
type account struct {
	endpoint, instance string
	// bin holds webstack and session-manager-plugin.
	bin string
}

// shared is made once, by the first test that needs it.
var shared *account

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
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
	files, err := os.MkdirTemp("", "sessions-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(files) }()
	g := gateway.New(gateway.Options{
		Moto: emulator.Dial, AccessKeyID: secret, SecretAccessKey: secret, Log: io.Discard, Machines: sessiontest.New(files),
	})
	server := httptest.NewServer(g)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.Run(ctx)
	}()
	defer func() {
		server.CloseClientConnections()
		stop()
		<-done
		server.Close()
	}()
	shared = &account{endpoint: server.URL, bin: dir.Bin()}
	if err := errors.Join(build(ctx, string(dir), dir.Bin()), shared.launch(ctx)); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// build builds the programs that the tests run.
func build(ctx context.Context, root, bin string) error {
	for from, name := range map[string][2]string{
		root: {"./cmd/webstack", "webstack"},
		filepath.Join(root, "tools", "sessionplugin"): {
			"github.com/aws/session-manager-plugin/src/sessionmanagerplugin-main", "session-manager-plugin",
		},
	} {
		build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bin, name[1]), name[0])
		build.Dir = from
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name[1], err, out)
		}
	}
	return nil
}

func (a *account) config() aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &a.endpoint, Credentials: credentials.NewStaticCredentialsProvider(secret, secret, ""),
	}
}

const trust = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
	"Principal": {"Service": "ec2.amazonaws.com"}}]}`

const everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`

// launch runs the host and waits until its agent is there.
func (a *account) launch(ctx context.Context) error {
	name := aws.String("host")
	roles, machines := iam.NewFromConfig(a.config()), ec2.NewFromConfig(a.config())
	_, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		return err
	}
	if _, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: name, PolicyName: name, PolicyDocument: aws.String(everything),
	}); err != nil {
		return err
	}
	if _, err = roles.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name}); err != nil {
		return err
	}
	if _, err = roles.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{
		InstanceProfileName: name, RoleName: name,
	}); err != nil {
		return err
	}
	out, err := machines.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String(moto.Image("arm64")), InstanceType: types.InstanceTypeT4gSmall,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		IamInstanceProfile: &types.IamInstanceProfileSpecification{Name: name},
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{
			{Key: aws.String(contract.TagStack), Value: aws.String(contract.StackTagValue(project, stack))},
		}}},
	})
	if err != nil {
		return err
	}
	a.instance = *out.Instances[0].InstanceId
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		list, err := ssm.NewFromConfig(a.config()).DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})
		if err != nil {
			return err
		}
		if len(list.InstanceInformationList) == 1 {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("wait for the host's agent: it does not come")
		}
	}
}

// env returns the environment of a client. A terminal that is not dumb would be asked for its colors, and nothing
// answers here.
func (a *account) env(more ...string) []string {
	return append([]string{
		"PATH=" + a.bin + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TERM=dumb", "AWS_REGION=" + region,
		"AWS_ENDPOINT_URL=" + a.endpoint, "AWS_ACCESS_KEY_ID=" + secret, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_EC2_METADATA_DISABLED=true",
	}, more...)
}

// plugin returns a session by aws and the real plugin.
func (a *account) plugin(t *testing.T, more ...string) *exec.Cmd {
	t.Helper()
	program, err := exec.LookPath("aws")
	if err != nil {
		tooltest.Missing(t, "aws is not installed")
	}
	command := exec.CommandContext(t.Context(), program, append([]string{
		"ssm", "start-session", "--endpoint-url", a.endpoint, "--region", region, "--target", a.instance,
	}, more...)...)
	command.Env = a.env()
	return command
}

// webstack returns a session by webstack shell.
func (a *account) webstack(t *testing.T, more ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Pulumi.yaml":               "name: " + project + "\nruntime: go\n",
		"Pulumi." + stack + ".yaml": "config:\n  aws:region: " + region + "\n",
		"Pulumi.empty.yaml":         "config:\n  aws:region: " + region + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), filepath.Join(a.bin, "webstack"), append([]string{"shell", "-s", stack}, more...)...)
	command.Dir, command.Env = dir, a.env()
	return command
}
