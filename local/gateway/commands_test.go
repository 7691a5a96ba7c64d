package gateway

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestACommandRunsAndIsSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.launch(unique())
	document := r.document(step("first", "echo {{ word }}"), step("second", "echo oops >&2\nexit 3"))
	sent := r.send(&ssm.SendCommandInput{
		DocumentName: document, InstanceIds: []string{id}, Comment: aws.String("a word"),
		Parameters: map[string][]string{"word": {"hi"}}, TimeoutSeconds: aws.Int32(60),
		DocumentVersion: aws.String("1"),
	})
	if sent.Status != types.CommandStatusPending || sent.TargetCount != 1 || len(*sent.CommandId) != 36 {
		t.Errorf("sent: %+v", sent)
	}
	first, second := r.ended(*sent.CommandId, id, "first"), r.step(*sent.CommandId, id, "second")
	if got := stands(first); got != "Success/Success 0" || *first.StandardOutputContent != "hi\n" ||
		*first.StandardErrorContent != "" || *first.PluginName != "first" || *first.Comment != "a word" ||
		*first.DocumentVersion != "1" {
		t.Errorf("%s: %+v", got, first)
	}
	if _, err := time.Parse(isoTime, *first.ExecutionStartDateTime); err != nil ||
		!strings.HasPrefix(*first.ExecutionElapsedTime, "PT") {
		t.Errorf("times: %v, %s", err, *first.ExecutionElapsedTime)
	}
	if got := stands(second); got != "Failed/Failed 3" || *second.StandardOutputContent != "" ||
		*second.StandardErrorContent != "oops\nfailed to run commands: exit status 3" {
		t.Errorf("%s: %+v", got, second)
	}
	listed := ask(r.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: sent.CommandId})).must(t).Commands
	if len(listed) != 1 || listed[0].Status != types.CommandStatusFailed || listed[0].CompletedCount != 1 ||
		*listed[0].StatusDetails != "Failed" || listed[0].ErrorCount != 1 || listed[0].Parameters["word"][0] != "hi" {
		t.Errorf("listed: %+v", listed)
	}
	invocations := ask(r.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{
		CommandId: sent.CommandId, Details: true,
	})).must(t).CommandInvocations
	plugins := invocations[0].CommandPlugins
	if len(invocations) != 1 || invocations[0].Status != "Failed" || len(plugins) != 2 || *plugins[0].Output != "hi\n" ||
		plugins[1].ResponseCode != 3 || !strings.Contains(*plugins[1].Output, "----------ERROR-------\noops") {
		t.Errorf("invocations: %+v", invocations)
	}
	brief := ask(r.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{
		CommandId: sent.CommandId,
	})).must(t).CommandInvocations
	if len(brief[0].CommandPlugins) != 0 {
		t.Errorf("without details: %+v", brief)
	}
}

func TestInvalidInvocations(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	id := r.launch(unique())
	sent := r.send(&ssm.SendCommandInput{
		DocumentName: r.document(step("first", "true"), step("b", "true")), InstanceIds: []string{id},
	})
	_, err := r.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.CommandId, InstanceId: &id})
	wantCode(t, err, "InvalidPluginName", "")
	_, err = r.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
		CommandId: sent.CommandId, InstanceId: &id, PluginName: aws.String("third"),
	})
	wantCode(t, err, "InvalidPluginName", "")
	_, err = r.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
		CommandId: sent.CommandId, InstanceId: &id, PluginName: aws.String("b"),
	})
	wantCode(t, err, "ValidationException", "4 characters")
	other := "i-0123456789abcdef0"
	_, err = r.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.CommandId, InstanceId: &other})
	wantCode(t, err, "InvocationDoesNotExist", "")
	none := newUUID()
	_, err = r.ssm.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: &none, InstanceId: &id})
	wantCode(t, err, "InvocationDoesNotExist", "")
	_, err = r.ssm.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{CommandId: &none})
	wantCode(t, err, "InvalidCommandId", "")
	elsewhere := ssm.NewFromConfig(r.config("eu-central-1"))
	_, err = elsewhere.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{
		CommandId: sent.CommandId, InstanceId: &id, PluginName: aws.String("first"),
	})
	wantCode(t, err, "InvocationDoesNotExist", "")
	if list := ask(elsewhere.ListCommands(ctx, &ssm.ListCommandsInput{})).must(t).Commands; len(list) != 0 {
		t.Errorf("elsewhere: %+v", list)
	}
}

func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, document := r.launch(unique()), r.logging()
	never := r.launchOnly(unique())
	old := unique()
	ask(r.ssm.CreateDocument(t.Context(), &ssm.CreateDocumentInput{
		Name: &old, DocumentType: types.DocumentTypeCommand,
		Content: aws.String(`{"schemaVersion":"1.2","description":"x","parameters":{},"runtimeConfig":{}}`),
	})).must(t)
	for name, tt := range map[string]struct {
		change     func(*ssm.SendCommandInput)
		code, word string
	}{
		"no such document": {func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("nothing") }, "InvalidDocument", "nothing"},
		"no such version": {func(in *ssm.SendCommandInput) { in.DocumentVersion = aws.String("7") },
			"InvalidDocumentVersion", "7"},
		"version of no form": {func(in *ssm.SendCommandInput) { in.DocumentVersion = aws.String("new") },
			"ValidationException", "new"},
		"old schema":     {func(in *ssm.SendCommandInput) { in.DocumentName = &old }, "UnsupportedDocumentVersion", "1.2"},
		"delivery short": {func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(29) }, "ValidationException", "29"},
		"delivery long": {func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(2592001) },
			"ValidationException", "2592001"},
		"long comment": {func(in *ssm.SendCommandInput) { in.Comment = aws.String(strings.Repeat("ä", 101)) },
			"ValidationException", "Comment"},
		"no machine": {func(in *ssm.SendCommandInput) { in.InstanceIds = nil }, "InvalidInstanceId", "Targets"},
		"both kinds of targets": {func(in *ssm.SendCommandInput) {
			in.Targets = []types.Target{{Key: aws.String("tag:a"), Values: []string{"b"}}}
		}, "ValidationException", "either"},
		"too many machines": {func(in *ssm.SendCommandInput) { in.InstanceIds = slices.Repeat([]string{id}, 51) },
			"ValidationException", "50"},
		"a machine twice": {func(in *ssm.SendCommandInput) { in.InstanceIds = []string{id, id} }, "DuplicateInstanceId", ""},
		"no such machine": {func(in *ssm.SendCommandInput) { in.InstanceIds = []string{"i-0123456789abcdef0"} },
			"InvalidInstanceId", "i-0123456789abcdef0"},
		"a machine whose agent never registered": {func(in *ssm.SendCommandInput) { in.InstanceIds = []string{never} },
			"InvalidInstanceId", never},
		"an id of no form": {func(in *ssm.SendCommandInput) { in.InstanceIds = []string{"web"} }, "ValidationException", "web"},
		"six targets": {func(in *ssm.SendCommandInput) {
			in.InstanceIds, in.Targets = nil, slices.Repeat([]types.Target{{Key: aws.String("tag:a"), Values: []string{"b"}}}, 6)
		}, "InvalidTarget", ""},
		"output in S3": {func(in *ssm.SendCommandInput) { in.OutputS3BucketName = aws.String("bucket") },
			"ValidationException", "OutputS3BucketName"},
		"limit of machines": {func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("1") },
			"ValidationException", "MaxConcurrency"},
		"limit of errors": {func(in *ssm.SendCommandInput) { in.MaxErrors = aws.String("1") },
			"ValidationException", "MaxErrors"},
		"undeclared parameter": {func(in *ssm.SendCommandInput) { in.Parameters = map[string][]string{"x": {"y"}} },
			"InvalidParameters", "x"},
		"value against the pattern": {func(in *ssm.SendCommandInput) { in.Parameters = map[string][]string{"word": {"a;b"}} },
			"InvalidParameters", "word"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &ssm.SendCommandInput{DocumentName: document, InstanceIds: []string{id}}
			tt.change(in)
			_, err := r.ssm.SendCommand(t.Context(), in)
			wantCode(t, err, tt.code, tt.word)
		})
	}
	t.Run("document and parameters together too large", func(t *testing.T) {
		t.Parallel()
		_, err := r.ssm.SendCommand(t.Context(), &ssm.SendCommandInput{
			DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{id},
			Parameters: map[string][]string{"commands": {strings.Repeat("x", 64<<10)}},
		})
		wantCode(t, err, "MaxDocumentSizeExceeded", "")
	})
}

func TestTheShellDocumentIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.launch(unique())
	sent := r.send(&ssm.SendCommandInput{
		DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: []string{id},
		Parameters: map[string][]string{"commands": {"echo one", "head -c 30000 /dev/zero | tr '\\0' x; exit 4"}},
	})
	got := r.ended(*sent.CommandId, id, "")
	if stands(got) != "Failed/Failed 4" || *got.PluginName != "aws:runShellScript" || len(*got.StandardOutputContent) != 24000 {
		t.Errorf("%s, %d characters: %+v", stands(got), len(*got.StandardOutputContent), got)
	}
}

func TestTargetsAreFoundByTags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stack, document := unique(), r.logging()
	one, two, other := r.launch(stack), r.launch(stack), r.launch(unique())
	sent := r.send(&ssm.SendCommandInput{DocumentName: document, Targets: []types.Target{
		{Key: aws.String("tag:stack"), Values: []string{"none", stack}}, {Key: aws.String("tag-key"), Values: []string{"stack"}},
	}})
	if sent.TargetCount != 0 { // counted later
		t.Errorf("sent: %+v", sent)
	}
	for _, id := range []string{one, two} {
		if got := stands(r.ended(*sent.CommandId, id, "")); got != "Success/Success 0" || r.lines(id) != "hello" {
			t.Errorf("%s: %s, %q", id, got, r.lines(id))
		}
	}
	listed := ask(r.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: sent.CommandId})).must(t).Commands[0]
	if listed.TargetCount != 2 || listed.CompletedCount != 2 || listed.Status != "Success" || r.lines(other) != "" {
		t.Errorf("listed: %+v", listed)
	}
	sent = r.send(&ssm.SendCommandInput{DocumentName: document, Targets: []types.Target{
		{Key: aws.String("tag:stack"), Values: []string{"none"}},
	}})
	listed = ask(r.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: sent.CommandId})).must(t).Commands[0]
	if listed.TargetCount != 0 || listed.Status != "Success" || *listed.StatusDetails != "NoInstancesInTag" {
		t.Errorf("to nobody: %+v", listed)
	}
	none := ask(r.ssm.ListCommandInvocations(t.Context(),
		&ssm.ListCommandInvocationsInput{CommandId: sent.CommandId})).must(t).CommandInvocations
	if len(none) != 0 {
		t.Errorf("to nobody: %+v", none)
	}
}

func TestACommandWaitsForItsMachine(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id, document := r.launch(unique()), r.logging()
	if err := r.machines.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	in := &ssm.SendCommandInput{DocumentName: document, InstanceIds: []string{id}, TimeoutSeconds: aws.Int32(30)}
	lost := r.send(in)
	if got := r.step(*lost.CommandId, id, ""); stands(got) != "Pending/Pending -1" || *got.ExecutionStartDateTime != "" {
		t.Errorf("before its time is over: %+v", got)
	}
	r.pass(30 * time.Second)
	if got := stands(r.ended(*lost.CommandId, id, "")); got != "TimedOut/DeliveryTimedOut -1" {
		t.Errorf("after its time is over: %s", got)
	}
	listed := ask(r.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: lost.CommandId})).must(t).Commands[0]
	if listed.Status != "TimedOut" || *listed.StatusDetails != "DeliveryTimedOut" || listed.DeliveryTimedOutCount != 1 ||
		listed.ErrorCount != 0 {
		t.Errorf("listed: %+v", listed)
	}
	patient := r.send(in)
	r.boot(id)
	if got := stands(r.ended(*patient.CommandId, id, "")); got != "Success/Success 0" || r.lines(id) != "hello" {
		t.Errorf("after the boot: %s, %q", got, r.lines(id))
	}
}

func TestCommandsAreCancelled(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	id := r.launch(unique())
	in := &ssm.SendCommandInput{
		DocumentName: r.document(step("wait", `touch "$ROOT/began"; sleep 600`)), InstanceIds: []string{id},
	}
	running := r.send(in)
	r.began(id)
	got := r.step(*running.CommandId, id, "")
	if stands(got) != "InProgress/InProgress -1" || *got.StandardOutputContent != "" || *got.ExecutionEndDateTime != "" {
		t.Errorf("running: %+v", got)
	}
	cancel := func(command *string) {
		t.Helper()
		ask(r.ssm.CancelCommand(ctx, &ssm.CancelCommandInput{CommandId: command})).must(t)
		if got := r.ended(*command, id, ""); got.Status != "Cancelled" || *got.StatusDetails != "Cancelled" {
			t.Errorf("cancelled: %s", stands(got))
		}
	}
	cancel(running.CommandId)
	if err := r.machines.Stop(ctx, id); err != nil {
		t.Fatal(err)
	}
	cancel(r.send(in).CommandId)
	_, err := r.ssm.CancelCommand(ctx, &ssm.CancelCommandInput{CommandId: aws.String(newUUID())})
	wantCode(t, err, "InvalidCommandId", "")
	_, err = r.ssm.CancelCommand(ctx, &ssm.CancelCommandInput{
		CommandId: running.CommandId, InstanceIds: []string{"i-0123456789abcdef0"},
	})
	wantCode(t, err, "InvalidInstanceId", "")
}

// began waits until a script of the machine has made the file "began".
func (r *rig) began(id string) {
	r.t.Helper()
	eventually(r.t, true, func() bool {
		_, err := os.Stat(filepath.Join(r.machines.Root(id), "began"))
		return err == nil
	})
}

// touch makes a file of the machine.
func (r *rig) touch(id, name string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.machines.Root(id), name), nil, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// An agent runs five commands at a time.
func TestTheSixthCommandWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.launch(unique())
	document := r.document(step("wait", `touch "$ROOT/began.$SSM_COMMAND_ID"`+"\n"+
		`while [ ! -e "$ROOT/go" ]; do sleep 0.01; done`))
	begun := func() int {
		found, err := filepath.Glob(filepath.Join(r.machines.Root(id), "began.*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	var sent []*types.Command
	for range commandWorkers + 1 {
		sent = append(sent, r.send(&ssm.SendCommandInput{DocumentName: document, InstanceIds: []string{id}}))
	}
	eventually(t, commandWorkers, begun)
	r.beats()
	if begun() != commandWorkers {
		t.Errorf("%d commands run", begun())
	}
	r.touch(id, "go")
	for _, one := range sent {
		r.ended(*one.CommandId, id, "")
	}
}

func TestDocumentsUseParameterStore(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	id, plain, secret := r.launch(unique()), "/"+unique(), "/"+unique()
	ask(r.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &plain, Value: aws.String("v"), Type: "String"})).must(t)
	ask(r.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &secret, Value: aws.String("hunter2"), Type: "SecureString"})).must(t)
	sent := r.send(&ssm.SendCommandInput{
		DocumentName: r.document(step("s", "echo '{{ ssm:"+plain+" }}'")), InstanceIds: []string{id},
	})
	if got := r.ended(*sent.CommandId, id, ""); *got.StandardOutputContent != "v\n" {
		t.Errorf("%+v", got)
	}
	sent = r.send(&ssm.SendCommandInput{
		DocumentName: r.document(step("s", "echo '{{ ssm:"+secret+" }}'")), InstanceIds: []string{id},
	})
	if got := r.ended(*sent.CommandId, id, ""); got.Status != "Failed" || strings.Contains(fmt.Sprint(got), "hunter2") ||
		!strings.Contains(*got.StandardErrorContent, "SecureString") {
		t.Errorf("%+v", got)
	}
}

func TestCommandsAreListedByPagesAndFilters(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	id, document := r.launch(unique()), r.logging()
	var sent []string
	for range 3 {
		command := r.send(&ssm.SendCommandInput{DocumentName: document, InstanceIds: []string{id}})
		r.ended(*command.CommandId, id, "")
		sent = append(sent, *command.CommandId)
		r.pass(time.Minute)
	}
	var got []string
	pages := ssm.NewListCommandInvocationsPaginator(r.ssm, &ssm.ListCommandInvocationsInput{MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		for _, one := range ask(pages.NextPage(ctx)).must(t).CommandInvocations {
			got = append(got, *one.CommandId)
		}
	}
	slices.Reverse(got)
	if !slices.Equal(got, sent) {
		t.Errorf("listed %v, sent %v", got, sent)
	}
	after := r.clock.Now().Add(-90 * time.Second).Format(time.RFC3339)
	for name, tt := range map[string]struct {
		key   types.CommandFilterKey
		value string
		want  int
	}{
		"after":            {types.CommandFilterKeyInvokedAfter, after, 1},
		"before":           {types.CommandFilterKeyInvokedBefore, after, 2},
		"status":           {types.CommandFilterKeyStatus, "Success", 3},
		"another status":   {types.CommandFilterKeyStatus, "Failed", 0},
		"document":         {types.CommandFilterKeyDocumentName, *document, 3},
		"another document": {types.CommandFilterKeyDocumentName, "none", 0},
	} {
		list := ask(r.ssm.ListCommands(ctx, &ssm.ListCommandsInput{
			InstanceId: &id, Filters: []types.CommandFilter{{Key: tt.key, Value: &tt.value}},
		})).must(t).Commands
		if len(list) != tt.want {
			t.Errorf("%s: %d, wanted %d", name, len(list), tt.want)
		}
	}
	_, err := r.ssm.ListCommands(ctx, &ssm.ListCommandsInput{
		Filters: []types.CommandFilter{{Key: types.CommandFilterKeyExecutionStage, Value: aws.String("Executing")}},
	})
	wantCode(t, err, "InvalidFilterKey", "")
	_, err = r.ssm.ListCommands(ctx, &ssm.ListCommandsInput{NextToken: aws.String("x")})
	wantCode(t, err, "InvalidNextToken", "")
}

func TestInstancesAreSeen(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	stack := unique()
	id, down := r.launch(stack), r.launch(stack)
	if err := r.machines.Stop(ctx, down); err != nil {
		t.Fatal(err)
	}
	r.launchOnly(stack) // never registers
	list := func(filters ...types.InstanceInformationStringFilter) []types.InstanceInformation {
		t.Helper()
		var all []types.InstanceInformation
		pages := ssm.NewDescribeInstanceInformationPaginator(r.ssm, &ssm.DescribeInstanceInformationInput{
			Filters: filters, MaxResults: aws.Int32(5),
		})
		for pages.HasMorePages() {
			all = append(all, ask(pages.NextPage(ctx)).must(t).InstanceInformationList...)
		}
		return all
	}
	filter := func(key string, values ...string) types.InstanceInformationStringFilter {
		return types.InstanceInformationStringFilter{Key: &key, Values: values}
	}
	if all := list(); len(all) != 2 {
		t.Errorf("%d instances: %+v", len(all), all)
	}
	online := list(filter("PingStatus", "Online"))
	if len(online) != 1 || *online[0].InstanceId != id || *online[0].PlatformName != "Ubuntu" ||
		*online[0].PlatformVersion != "24.04" || online[0].PlatformType != types.PlatformTypeLinux ||
		*online[0].LastPingDateTime != r.clock.Now() || *online[0].IPAddress == "" {
		t.Errorf("online: %+v", online)
	}
	if lost := list(filter("tag:stack", stack), filter("InstanceIds", id, down), filter("PingStatus", "ConnectionLost")); len(lost) !=
		1 || *lost[0].InstanceId != down {
		t.Errorf("lost: %+v", lost)
	}
	byOldFilter := ask(r.ssm.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
		InstanceInformationFilterList: []types.InstanceInformationFilter{{Key: "InstanceIds", ValueSet: []string{down}}},
	})).must(t).InstanceInformationList
	if len(byOldFilter) != 1 {
		t.Errorf("by the old filter: %+v", byOldFilter)
	}
	_, err := r.ssm.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
		Filters: []types.InstanceInformationStringFilter{filter("Colour", "red")},
	})
	wantCode(t, err, "InvalidFilterKey", "")
	for target, want := range map[string]types.ConnectionStatus{
		id: types.ConnectionStatusConnected, down: types.ConnectionStatusNotConnected, "i-0123456789abcdef0": "notconnected",
	} {
		got := ask(r.ssm.GetConnectionStatus(ctx, &ssm.GetConnectionStatusInput{Target: &target})).must(t)
		if got.Status != want || *got.Target != target {
			t.Errorf("connection to %s: %+v", target, got)
		}
	}
}

// Stopping the account ends running commands, and waits for them.
func TestTheEndOfTheAccountEndsCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.launch(unique())
	sent := r.send(&ssm.SendCommandInput{
		DocumentName: r.document(step("wait", `touch "$ROOT/began"; sleep 600`)), InstanceIds: []string{id},
	})
	r.began(id)
	r.end()
	got := ask(r.ssm.GetCommandInvocation(context.Background(),
		&ssm.GetCommandInvocationInput{CommandId: sent.CommandId, InstanceId: &id})).must(t)
	if got.Status != types.CommandInvocationStatusCancelled {
		t.Errorf("at the end: %s", stands(got))
	}
}

// An agent works with its machine's role.
func TestAgentsNeedTheirPermissions(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]string{
		"to register": "ssm:UpdateInstanceInformation", "to be sent commands": "ssmmessages:*",
		"to learn of associations": "ssm:ListInstanceAssociations",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, stack := newRig(t), unique()
			policy := func(action string) string {
				return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "NotAction": ["` +
					action + `", "ec2messages:*"]}]}`
			}
			role := newRole(t, policy(action))
			id := r.launchWith(stack, profile(t, role))
			r.boot(id)
			_, err := r.ssm.SendCommand(t.Context(), &ssm.SendCommandInput{
				DocumentName: r.logging(), InstanceIds: []string{id},
			})
			wantCode(t, err, "InvalidInstanceId", id)
			iamHere := iam.NewFromConfig(r.config("us-east-1"))
			ask(iamHere.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
				RoleName: &role, PolicyName: aws.String("all"), PolicyDocument: aws.String(policy("none:None")),
			})).must(t)
			sent := r.send(&ssm.SendCommandInput{DocumentName: r.logging(), InstanceIds: []string{id}})
			if got := stands(r.ended(*sent.CommandId, id, "")); got != "Success/Success 0" {
				t.Errorf("with the permission: %s", got)
			}
		})
	}
}

// The machine's role must allow what a document needs of other services.
func TestDocumentsNeedThePermissionsOfTheirMachine(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	bucket, parameter := unique(), "/"+unique()
	ask(s3Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})).must(t)
	ask(s3Client().PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: aws.String("in"), Body: strings.NewReader("content"),
	})).must(t)
	ask(r.ssm.PutParameter(ctx, &ssm.PutParameterInput{Name: &parameter, Value: aws.String("v"), Type: "String"})).must(t)
	download := map[string]any{"action": "aws:downloadContent", "name": "download", "inputs": map[string]any{
		"sourceType": "S3", "destinationPath": "/in",
		"sourceInfo": `{"path": "https://s3.us-east-1.amazonaws.com/` + bucket + `/in"}`,
	}}
	in := &ssm.SendCommandInput{
		DocumentName: r.document(download, step("parameter", "echo '{{ ssm:"+parameter+" }}'"), step("output", "echo out")),
	}
	for role, want := range map[string]string{
		newRole(t, everything): "Success Success Success",
		newRole(t, strings.ReplaceAll(everything, `"*", "Resource"`, `["ssm:UpdateInstanceInformation",
			"ssm:ListInstanceAssociations", "ssmmessages:*"], "Resource"`)): "Failed Failed Success",
	} {
		id := r.launchWith(unique(), profile(t, role))
		r.boot(id)
		in.InstanceIds = []string{id}
		sent := r.send(in)
		r.ended(*sent.CommandId, id, "output")
		got := fmt.Sprint(r.step(*sent.CommandId, id, "download").Status, " ", r.step(*sent.CommandId, id, "parameter").Status,
			" ", r.step(*sent.CommandId, id, "output").Status)
		if got != want {
			t.Errorf("%s, wanted %s", got, want)
		}
	}
}
