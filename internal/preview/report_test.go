package preview

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/sig"
)

// pre is the event that announces a step; component is such as ecr:Ecr, "" for none.
func pre(op apitype.OpType, component, token, name string, before, after map[string]any) apitype.EngineEvent {
	types := token
	if component != "" {
		types = "webstack:" + component + "$" + token
	}
	state := func(inputs map[string]any) *apitype.StepEventStateMetadata {
		if inputs == nil {
			return nil
		}
		return &apitype.StepEventStateMetadata{Custom: true, Inputs: inputs, Outputs: inputs}
	}
	return apitype.EngineEvent{ResourcePreEvent: &apitype.ResourcePreEvent{Planning: true, Metadata: apitype.StepEventMetadata{
		Op: op, Type: token, URN: "urn:pulumi:dev::webstack::" + types + "::" + name, Old: state(before), New: state(after),
	}}}
}

func report(events ...apitype.EngineEvent) *Report {
	r := &Report{}
	for _, event := range events {
		r.Add(event)
	}
	return r
}

const object = "aws:s3/bucketObjectv2:BucketObjectv2"

func TestText(t *testing.T) {
	t.Parallel()
	type props = map[string]any
	none := props{}
	r := report(
		pre(apitype.OpCreate, "ecr:Ecr", "aws:ecr/repository:Repository", "wiki", nil, none),
		pre(apitype.OpCreate, "ecr:Ecr", "aws:ecr/repository:Repository", "docs", nil, none),
		pre(apitype.OpDelete, "ecr:Ecr", "aws:iam/role:Role", "old-deploy", none, nil),
		pre(apitype.OpSame, "network:Network", "aws:ec2/vpc:Vpc", "main", none, none),
		pre(apitype.OpRefresh, "network:Network", "aws:ec2/vpc:Vpc", "main", none, none),
		pre(apitype.OpUpdate, "network:Network", "aws:ec2/subnet:Subnet", "public-1",
			props{"mapPublicIpOnLaunch": false, "tags": props{"Name": "a", "Tier": "public"}, "gone": "x", "__defaults": []any{}},
			props{"mapPublicIpOnLaunch": true, "tags": props{"Name": "b", "Tier": "public"}, "cidrBlock": plugin.UnknownStringValue}),
		// The engine announces the parts of a replacement, too.
		pre(apitype.OpCreateReplacement, "compute:Compute", "aws:ec2/instance:Instance", "host", none, none),
		pre(apitype.OpReplace, "compute:Compute", "aws:ec2/instance:Instance", "host", props{"ami": "ami-1"}, props{"ami": "ami-2"}),
		pre(apitype.OpDeleteReplaced, "compute:Compute", "aws:ec2/instance:Instance", "host", none, none),
		pre(apitype.OpUpdate, "appcompose:AppCompose", "aws:ssm/parameter:Parameter", "shop-env-KEY",
			props{"value": props{sig.Key: sig.Secret, "ciphertext": "[secret]"}, "keyId": strings.Repeat("0a", 32)},
			props{"value": props{sig.Key: sig.Secret, "ciphertext": "[secret]"}, "keyId": strings.Repeat("0b", 32)}),
		pre(apitype.OpUpdate, "appcompose:AppCompose", object, "manifest",
			props{"key": "bundle/manifest.json", "content": "a"}, props{"key": "bundle/manifest.json", "content": "b"}),
		pre(apitype.OpUpdate, "", "pulumi:providers:aws", "aws", props{"region": "eu-central-1"}, props{"region": "eu-west-1"}),
		apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "warning", Message: "<{%fg 1%}>mind \x1b[2Jthis<{%reset%}>\n"}},
		apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "warning", Message: "mind \x1b[2Jthis"}},
		apitype.EngineEvent{ResOutputsEvent: &apitype.ResOutputsEvent{Metadata: apitype.StepEventMetadata{
			Op: apitype.OpSame, Type: stackType,
			Old: &apitype.StepEventStateMetadata{Outputs: props{"app_urls": props{"shop": "https://s"}, "id": "i-1"}},
			New: &apitype.StepEventStateMetadata{Outputs: props{"app_urls": props{"shop": "https://s", "wiki": "https://w"}, "id": "i-1"}},
		}}},
		apitype.EngineEvent{SummaryEvent: &apitype.SummaryEvent{ResourceChanges: map[apitype.OpType]int{
			"create": 2, "update": 4, "replace": 1, "delete": 1, "same": 80,
		}}},
	)
	want := `appcompose
  ~ aws:s3:BucketObjectv2        manifest
      content: follows from the files and apps above
  ~ aws:ssm:Parameter            shop-env-KEY
      keyId: 0a0a0a0a0a0a… → 0b0b0b0b0b0b…

compute
  ± aws:ec2:Instance             host
      ami (replaces the resource): ami-1 → ami-2

ecr
  + aws:ecr:Repository           docs, wiki
  - aws:iam:Role                 old-deploy

network
  ~ aws:ec2:Subnet               public-1
      + cidrBlock: known after the update
      - gone: x
      mapPublicIpOnLaunch: false → true
      tags:
        @@ -1,2 +1,2 @@
        -Name: a
        +Name: b
         Tier: public

stack
  ~ pulumi:providers:aws         aws
      region: eu-central-1 → eu-west-1

outputs
      app_urls:
        @@ -1 +1,2 @@
         shop: https://s
        +wiki: https://w

warning: mind \u001b[2Jthis

`
	for _, s := range r.steps {
		if s.op == apitype.OpReplace {
			s.meta.Keys = []string{"ami"}
			r.steps[s.meta.URN] = s
		}
	}
	if diff := cmp.Diff(want, r.Text()); diff != "" {
		t.Error(diff)
	}
	if got := r.Headline(); got != "Resources: 2 to create, 4 to update, 1 to replace, 1 to delete, 80 unchanged" {
		t.Error(got)
	}
}

func TestNothingToDo(t *testing.T) {
	t.Parallel()
	r := report(pre(apitype.OpSame, "network:Network", "aws:ec2/vpc:Vpc", "main", map[string]any{}, map[string]any{}),
		apitype.EngineEvent{SummaryEvent: &apitype.SummaryEvent{ResourceChanges: map[apitype.OpType]int{"same": 7, "read": 1}}})
	if r.Text() != "" || r.Changes() || r.Headline() != "No changes: all 7 resources are up to date" {
		t.Errorf("%q, %q", r.Text(), r.Headline())
	}
}

// service is an app in a compose file, much like any other.
func service(name string) string {
	return fmt.Sprintf("  %[1]s:\n    image: ${IMAGE_%[1]s}\n    environment:\n      PORT: \"8080\"\n    networks: [edge, db]\n"+
		"    logging: {driver: local}\n", name)
}

// What comes is shown as what comes, wherever in a text or a list it stands; nothing turns into something else.
func TestAnAppMoreChangesNoOther(t *testing.T) {
	t.Parallel()
	head := "services:\n"
	before := map[string]any{
		"content": head + service("blog") + service("shop") + "networks:\n  db: {}\n",
		"policy":  `{"Resource":["arn:blog","arn:shop"],"Effect":"Allow"}`, "list": []any{"blog", "shop"},
	}
	after := map[string]any{
		"content": head + service("blog") + service("photos") + service("shop") + "networks:\n  db: {}\n",
		"policy":  `{"Resource":["arn:blog","arn:photos","arn:shop"],"Effect":"Allow"}`, "list": []any{"blog", "photos", "shop"},
	}
	text := report(pre(apitype.OpUpdate, "appcompose:AppCompose", object, "compose", before, after)).Text()
	want := `      content:
        @@ -5,6 +5,12 @@
               PORT: "8080"
             networks: [edge, db]
             logging: {driver: local}
        +  photos:
        +    image: ${IMAGE_photos}
        +    environment:
        +      PORT: "8080"
        +    networks: [edge, db]
        +    logging: {driver: local}
           shop:
             image: ${IMAGE_shop}
             environment:
      list:
        @@ -1,2 +1,3 @@
         - blog
        +- photos
         - shop
      policy:
        @@ -1,4 +1,5 @@
         Effect: Allow
         Resource:
           - arn:blog
        +  - arn:photos
           - arn:shop
`
	if _, got, _ := strings.Cut(text, "compose\n"); !strings.HasSuffix(got, want+"\n") {
		t.Error(cmp.Diff(want, got))
	}
}

// A block that is much like its neighbours begins and ends where a reader sees it begin and end.
func TestBlocksStayWhole(t *testing.T) {
	t.Parallel()
	site := func(name string) string { return name + " {\n\timport site\n\timport app " + name + "\n}\n\n" }
	for name, test := range map[string]struct{ before, block, after string }{
		"vhost":            {"# head\n\n" + site("blog"), site("photos"), site("shop") + "# end\n"},
		"last vhost":       {"# head\n\n" + site("blog"), strings.TrimSuffix(site("photos"), "\n"), ""},
		"service":          {"services:\n" + service("blog"), service("photos"), service("shop")},
		"the same service": {"services:\n" + service("blog"), service("blog"), service("shop")},
		"first":            {"", service("a"), service("b")},
	} {
		with, without := test.before+test.block+test.after, test.before+test.after
		for mark, lines := range map[string][]string{"+": hunks(without, with), "-": hunks(with, without)} {
			var block strings.Builder
			for _, line := range lines {
				if rest, marked := strings.CutPrefix(line, mark); marked {
					block.WriteString(rest + "\n")
				}
			}
			if diff := cmp.Diff(test.block, block.String()); diff != "" {
				t.Errorf("%s: %s\n%s", name, diff, strings.Join(lines, "\n"))
			}
		}
	}
}

// Whatever is made of the edits, they still turn one text into the other.
func TestSlidingKeepsTheResult(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		var out strings.Builder
		for range random.IntN(12) {
			out.WriteString([]string{"a\n", "b\n", "  c\n", "\n"}[random.IntN(4)])
		}
		return out.String()
	}
	for range 20000 {
		before, after := text(), text()
		got, err := udiff.Apply(before, slide(before, udiff.Lines(before, after)))
		if err != nil || got != after {
			t.Fatalf("%q to %q: %q, %v", before, after, got, err)
		}
	}
}

// A preview of many apps is as long as they are many.
func TestLengthIsInProportion(t *testing.T) {
	t.Parallel()
	lines := func(apps int) int {
		var events []apitype.EngineEvent
		before, after := "services:\n"+service("shop"), "services:\n"+service("shop")
		for i := range apps {
			name := fmt.Sprintf("app%02d", i)
			for _, token := range []string{"aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy", "aws:iam/role:Role"} {
				events = append(events, pre(apitype.OpCreate, "ecr:Ecr", token, name, nil, map[string]any{"a": 1}))
			}
			after += service(name)
		}
		events = append(events, pre(apitype.OpUpdate, "appcompose:AppCompose", object, "compose",
			map[string]any{"content": before}, map[string]any{"content": after}))
		return strings.Count(report(events...).Text(), "\n")
	}
	if two, thirty := lines(2), lines(30); two > 30 || thirty > 30*7+20 {
		t.Errorf("%d lines for 2 apps, %d for 30", two, thirty)
	}
}

func TestANewTextIsCountedNotShown(t *testing.T) {
	t.Parallel()
	text := report(pre(apitype.OpCreate, "appcompose:AppCompose", object, "compose", nil,
		map[string]any{"content": "a\nb\nc\n"})).Text()
	if want := "appcompose\n  + aws:s3:BucketObjectv2        compose (3 lines)\n\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

// A record that somebody else made is not replaced by a new one of the same name.
func TestNewRecordsStandBesideOthers(t *testing.T) {
	t.Parallel()
	const note = "stays, and gets part of the traffic"
	props := map[string]any{"content": "192.0.2.1"}
	for op, want := range map[apitype.OpType]bool{apitype.OpCreate: true, apitype.OpDelete: false, apitype.OpUpdate: false} {
		text := report(pre(op, "dns:Dns", recordType, "shop", props, props), pre(op, "dns:Dns", recordType, "wiki", props, props)).Text()
		if got := strings.Count(text, note); got > 1 || got == 1 != want {
			t.Errorf("%s: %s", op, text)
		}
	}
}

// After a refresh the inputs are the same, and what exists is not.
func TestDriftIsShown(t *testing.T) {
	t.Parallel()
	event := pre(apitype.OpUpdate, "dns:Dns", "cloudflare:index/record:Record", "shop",
		map[string]any{"content": "192.0.2.1"}, map[string]any{"content": "192.0.2.1"})
	meta := &event.ResourcePreEvent.Metadata
	meta.Old.Outputs = map[string]any{"content": "192.0.2.99"}
	meta.DetailedDiff = map[string]apitype.PropertyDiff{"content": {Kind: apitype.DiffUpdate}}
	if text := report(event).Text(); !strings.Contains(text, "      content: 192.0.2.99 → 192.0.2.1\n") {
		t.Error(text)
	}
}
