package ssmstack

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webstack/internal/golden"
	"webstack/internal/pulumitest"
	"webstack/internal/scripttest"
)

func args(edits ...func(*Args)) *Args {
	out := &Args{
		Project: "webstack", Stack: "test", Region: pulumitest.Region, StackDir: "/opt/webstack",
		DataVolumeID: pulumi.String("vol-0123456789abcdef0"),
		Bucket:       pulumi.String("webstack-test-artifacts"), ManifestSHA256: strings.Repeat("a", 64),
		HostProgramSHA256: strings.Repeat("b", 64), Apps: []string{"blog", "shop"},
	}
	for _, edit := range edits {
		edit(out)
	}
	return out
}

func program(args *Args, names ...string) pulumi.RunFunc {
	return pulumitest.Component(New, args, []pulumitest.Provider{pulumitest.AWS}, names...)
}

var options = pulumitest.Options{Outputs: pulumitest.AWSOutputs}

func TestSsmStack(t *testing.T) {
	t.Parallel()
	pulumitest.EachRun(t, program(args(), "ssm"), options, func(t *testing.T, recorder *pulumitest.Recorder) {
		recorder.CheckShape(t)
		golden.Compare(t, recorder.Dump(t), ".json")
	})
}

const documentType = "aws:ssm/document:Document"

// Documents must stay within what Systems Manager takes, however many apps there are.
func TestDocumentsAreWithinLimits(t *testing.T) {
	t.Parallel()
	many := args(func(a *Args) {
		a.Project, a.Stack, a.Apps = strings.Repeat("project", 8), strings.Repeat("stack", 8), nil
		for i := range 200 {
			a.Apps = append(a.Apps, fmt.Sprintf("app-with-quite-a-long-name-%03d", i))
		}
	})
	recorder := pulumitest.MustRun(t, program(many, "ssm"), options)
	names := map[string]bool{}
	pattern := regexp.MustCompile(`^[a-zA-Z0-9_\-.]{3,128}$`)
	for _, document := range recorder.ByType(documentType) {
		name, content := document.Text("name"), document.Text("content")
		if names[name] || !pattern.MatchString(name) {
			t.Errorf("the name %q is taken or not permitted", name)
		}
		names[name] = true
		if len(content) > 64*1024 {
			t.Errorf("%s has %d bytes, SSM takes 65536", name, len(content))
		}
	}
	if len(names) != 204 {
		t.Errorf("%d documents", len(names))
	}
}

// The steps that change apps may take as long as the apps' own limits together, and no longer than Systems Manager waits.
func TestStepsLeaveRoomForTheAppsLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ shop, converge, deploy int }{
		{0, 3600, 900}, {1700, 3600, 2600}, {1801, 7200, 2701}, {500_000, 172800, 0},
	} {
		a := args(func(a *Args) {
			a.ChangeSeconds = map[string]int{"blog": 0, "shop": test.shop, "gone": 99999}
			a.DeploySeconds = a.ChangeSeconds
		})
		converge := a.converge().Steps
		if got := converge[len(converge)-1].TimeoutSeconds; got != test.converge {
			t.Errorf("with %d s for shop a converge may take %d s, want %d", test.shop, got, test.converge)
		}
		if test.deploy == 0 {
			continue
		}
		recorder := pulumitest.MustRun(t, program(a, "ssm"), options)
		if got := recorder.One(t, documentType, "ssm-deploy-shop").Text("content"); !strings.Contains(got,
			fmt.Sprintf(`"timeoutSeconds":%d`, test.deploy)) {
			t.Errorf("with %d s for shop its deploy is\n%s", test.shop, got)
		}
	}
}

func TestDeployDocumentDeploysOneApp(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "ssm"), options)
	got := parse(t, recorder.One(t, documentType, "ssm-deploy-shop"))
	if _, ok := got.Parameters["app"]; ok {
		t.Error("its caller chooses the app")
	}
	if script := got.MainSteps[0].Inputs.RunCommand[0]; !strings.Contains(script, "webstackctl' deploy 'shop' ") ||
		strings.Contains(script, "blog") {
		t.Errorf("script: %s", script)
	}
}

// Older agents paste parameters into the script, so no value may hold what a shell takes for more than text.
func TestParametersAreHarmless(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"action": "rollback", "release": "v1.2.3@sha256:" + strings.Repeat("c", 64), "commit": "0123abc",
		"caller": "arn:aws:sts::123456789012:assumed-role/shop/ann@example.com", "run": "https://github.com/acme/shop/actions/runs/1",
		"command": "01234567-89ab-cdef-0123-456789abcdef", "from": "20000", "state": "on", "message": "SGkh", "bucket": "webstack-test-artifacts",
		"manifestSha256": strings.Repeat("a", 64), "hostProgramSha256": strings.Repeat("b", 64),
		"dataVolumeId": "vol-0123456789abcdef0", "app": "shop", "lines": "100", "since": "2026-01-31T03:15:00.5Z",
	}
	recorder := pulumitest.MustRun(t, program(args(), "ssm"), options)
	for _, document := range recorder.ByType(documentType) {
		for name, parameter := range parse(t, document).Parameters {
			// An empty value does no harm to a parameter that may be left out.
			pattern := strings.ReplaceAll(parameter.AllowedPattern, ")?$", ")$")
			if name == "message" {
				pattern = strings.ReplaceAll(pattern, "*", "+")
			}
			scripttest.CheckPattern(t, name, pattern, good[name])
		}
	}
}

func TestChangeOfTheBundleChangesTheAssociation(t *testing.T) {
	t.Parallel()
	recorder := pulumitest.MustRun(t, program(args(), "ssm"), options)
	association := recorder.One(t, "aws:ssm/association:Association", "ssm-converge")
	if association.Text("parameters", "manifestSha256") != strings.Repeat("a", 64) {
		t.Errorf("parameters: %v", association.Input("parameters"))
	}
	if association.Text("scheduleExpression") == "" {
		t.Error("without a schedule a host that failed once is never tried again")
	}
}

func TestTwoInOneProgram(t *testing.T) {
	t.Parallel()
	pulumitest.MustRun(t, program(args(), "one", "two"), options).CheckShape(t)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	bad := args(func(a *Args) {
		a.ManifestSHA256, a.HostProgramSHA256 = "abc", ""
		a.StackDir, a.Region, a.Apps = "/opt/web stack'", "x'", []string{"a'b"}
	})
	pulumitest.CheckRefused(t, program(bad, "ssm"), options, `manifest's sum: "abc"`, `host program's sum: ""`,
		`stack directory: "/opt/web stack'"`, `"x'" is not an AWS region`, `app's name: "a'b"`)
	reserved := args(func(a *Args) { a.Project = "aws-tools" })
	pulumitest.CheckRefused(t, program(reserved, "ssm"), options, "rename the project")
}

func TestFailures(t *testing.T) {
	t.Parallel()
	pulumitest.CheckFailures(t, program(args(), "ssm"), options)
}
