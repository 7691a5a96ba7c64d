package pulumitest

import (
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// thing is a resource of no provider in particular.
type thing struct{ pulumi.CustomResourceState }

type group struct{ pulumi.ResourceState }

// reporter collects what a check says, instead of failing the test.
type reporter struct {
	testing.TB
	said []string
}

func (r *reporter) Helper() {}
func (r *reporter) Errorf(format string, args ...any) {
	r.said = append(r.said, strings.TrimSpace(format))
	_ = args
}

func register(ctx *pulumi.Context, name string, inputs pulumi.Map, opts ...pulumi.ResourceOption) error {
	return ctx.RegisterResource("store:index:Thing", name, inputs, &thing{}, opts...)
}

func TestRecorderKeepsInputsAndSecrets(t *testing.T) {
	t.Parallel()
	recorder := MustRun(t, func(ctx *pulumi.Context) error {
		return register(ctx, "one", pulumi.Map{
			"plain": pulumi.String("p"), "hidden": pulumi.ToSecret(pulumi.String("s")),
			"deep": pulumi.Map{"er": pulumi.String("d")},
		})
	}, Options{})
	one := recorder.One(t, "store:index:Thing", "one")
	if one.Text("plain") != "p" || one.Text("hidden") != "s" || one.Text("deep", "er") != "d" || one.Text("none") != "" {
		t.Errorf("inputs %v", one.Inputs)
	}
	if !one.IsSecret("hidden") || one.IsSecret("plain") {
		t.Error("the secret marks are wrong")
	}
	if dump := string(recorder.Dump(t)); strings.Contains(dump, `"s"`) || !strings.Contains(dump, "[secret]") {
		t.Errorf("the dump shows a secret: %s", dump)
	}
}

// TestPreviewShowsUnknownInputs passes an output of one resource to another: its value in a run, a mark in a preview.
func TestPreviewShowsUnknownInputs(t *testing.T) {
	t.Parallel()
	program := func(ctx *pulumi.Context) error {
		maker := &thing{}
		if err := ctx.RegisterResource("store:index:Thing", "maker", nil, maker); err != nil {
			return err
		}
		made := maker.ID().ToStringOutput().ApplyT(func(id string) string { return "of " + id }).(pulumi.StringOutput)
		return register(ctx, "user", pulumi.Map{
			"of": made, "file": pulumi.NewStringAsset("content"),
		})
	}
	EachRun(t, program, Options{}, func(t *testing.T, recorder *Recorder) {
		user := recorder.One(t, "store:index:Thing", "user")
		if user.IsUnknown("of") != recorder.DryRun || (user.Text("of") == "of maker-id") == recorder.DryRun {
			t.Errorf("of is %v", user.Input("of"))
		}
		dump := string(recorder.Dump(t))
		if strings.Contains(dump, `"of": "[unknown]"`) != recorder.DryRun {
			t.Errorf("the dump shows the unknown wrongly: %s", dump)
		}
		const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" // sha256 of "content"
		if !strings.Contains(dump, "[asset sha256:"+sum+"]") {
			t.Errorf("the dump does not tell the asset's content: %s", dump)
		}
	})
}

func TestShapeRules(t *testing.T) {
	t.Parallel()
	recorder := MustRun(t, func(ctx *pulumi.Context) error {
		if err := register(ctx, "orphan", nil); err != nil {
			return err
		}
		component := &group{}
		if err := ctx.RegisterComponentResource("store:index:Group", "group", component); err != nil {
			return err
		}
		return errors.Join(
			register(ctx, "twice", nil, pulumi.Parent(component)), register(ctx, "twice", nil, pulumi.Parent(component)))
	}, Options{})
	report := &reporter{TB: t}
	recorder.CheckShape(report)
	for _, rule := range []string{"is registered twice", "is no component's child", "has no explicit provider"} {
		if !strings.Contains(strings.Join(report.said, "\n"), rule) {
			t.Errorf("nobody says that something %s: %v", rule, report.said)
		}
	}
	report = &reporter{TB: t}
	recorder.CheckSecrets(report, "store:index:Thing.plain", "store:index:Other.x")
	if len(report.said) < 2 {
		t.Errorf("secrets: %v", report.said)
	}
}

func TestFailureOfAResourceIsTheProgramsFailure(t *testing.T) {
	t.Parallel()
	program := func(ctx *pulumi.Context) error { return register(ctx, "one", nil) }
	_, err := Run(program, Options{Fail: func(Resource) error { return errors.New("no luck") }})
	if err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("the program ends with %v", err)
	}
	CheckFailures(t, program, Options{})
}

func TestRefusedProgramRegistersNothing(t *testing.T) {
	t.Parallel()
	CheckRefused(t, func(*pulumi.Context) error { return errors.New("size: too big") }, Options{}, "size: too big")
	report := &reporter{TB: t}
	CheckRefused(report, func(ctx *pulumi.Context) error {
		return errors.Join(register(ctx, "one", nil), errors.New("too late"))
	}, Options{}, "something else")
	if len(report.said) != 2 {
		t.Errorf("reported: %v", report.said)
	}
}

func TestPreviewKnowsNoOutputsOfTheAPI(t *testing.T) {
	t.Parallel()
	outputs := func(Resource) resource.PropertyMap { return resource.PropertyMap{"made": resource.NewProperty("x")} }
	EachRun(t, func(ctx *pulumi.Context) error { return register(ctx, "one", nil) }, Options{Outputs: outputs},
		func(t *testing.T, recorder *Recorder) {
			recorder.Count(t, "store:index:Thing", 1)
			made := recorder.Outputs(recorder.One(t, "store:index:Thing", "one"))["made"]
			if made.IsString() == strings.HasSuffix(t.Name(), "preview") {
				t.Errorf("the output is %v", made)
			}
		})
}
