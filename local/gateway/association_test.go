package gateway

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

const helloDocument = `schemaVersion: "2.2"
parameters:
  version: {type: String, allowedPattern: "^[0-9a-f]{4}$"}
  mode: {type: String, default: fast, allowedValues: [fast, slow]}
  names: {type: StringList, default: []}
mainSteps:
  - {action: "aws:runShellScript", name: hello, inputs: {runCommand: ["#!/bin/bash", echo hello]}}
`

// newDocument makes a document that takes a version, a mode and names.
func newDocument(t *testing.T) *string {
	t.Helper()
	name := unique()
	ask(ssmClient().CreateDocument(t.Context(), &ssm.CreateDocumentInput{
		Name: &name, Content: aws.String(helloDocument), DocumentFormat: types.DocumentFormatYaml,
		DocumentType: types.DocumentTypeCommand,
	})).must(t)
	return &name
}

// good returns an association that State Manager takes.
func good(document *string) *ssm.CreateAssociationInput {
	return &ssm.CreateAssociationInput{
		Name: document, AssociationName: aws.String("name-of-it"), Parameters: map[string][]string{"version": {"00ff"}},
		ScheduleExpression: aws.String("rate(30 minutes)"),
		ComplianceSeverity: types.AssociationComplianceSeverityHigh,
		Targets:            []types.Target{{Key: aws.String("tag:webstack:stack"), Values: []string{"webstack/test"}}},
		Tags:               []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("1")}},
	}
}

func TestAssociationLifecycle(t *testing.T) {
	t.Parallel()
	client, ctx, document := ssmClient(), t.Context(), newDocument(t)
	in := good(document)
	made := ask(client.CreateAssociation(ctx, in)).must(t).AssociationDescription
	id := made.AssociationId
	if len(*id) != 36 || *made.AssociationVersion != "1" || *made.DocumentVersion != "$DEFAULT" ||
		*made.Overview.Status != "Pending" {
		t.Errorf("created: %+v", made)
	}
	read := ask(client.DescribeAssociation(ctx,
		&ssm.DescribeAssociationInput{AssociationId: id})).must(t).AssociationDescription
	if diff := cmp.Diff(
		[]any{*in.AssociationName, *in.ScheduleExpression, in.Parameters, *in.Targets[0].Key,
			in.ComplianceSeverity},
		[]any{*read.AssociationName, *read.ScheduleExpression, read.Parameters, *read.Targets[0].Key,
			read.ComplianceSeverity}); diff != "" {
		t.Error(diff)
	}
	changed := ask(client.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{
		AssociationId: id, ScheduleExpression: aws.String("rate(2 hours)"),
		Parameters: map[string][]string{"version": {"1234"}},
	})).must(t).AssociationDescription
	if *changed.AssociationVersion != "2" || *changed.ScheduleExpression != "rate(2 hours)" || len(changed.Targets) != 1 ||
		changed.AssociationName != nil || changed.Parameters["version"][0] != "1234" {
		t.Errorf("updated: %+v", changed)
	}
	_, err := client.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{
		AssociationId: id, AssociationVersion: aws.String("1"), Parameters: map[string][]string{"version": {"5678"}}})
	wantCode(t, err, "InvalidAssociationVersion", "latest version is 2")
	versions := ask(client.ListAssociationVersions(ctx,
		&ssm.ListAssociationVersionsInput{AssociationId: id})).must(t).AssociationVersions
	if len(versions) != 2 || *versions[0].ScheduleExpression != "rate(30 minutes)" {
		t.Errorf("versions: %+v", versions)
	}
	first := ask(client.DescribeAssociation(ctx,
		&ssm.DescribeAssociationInput{AssociationId: id, AssociationVersion: aws.String("1")})).must(t).AssociationDescription
	if *first.ScheduleExpression != "rate(30 minutes)" {
		t.Errorf("first version: %+v", first)
	}
	runs := ask(client.DescribeAssociationExecutions(ctx,
		&ssm.DescribeAssociationExecutionsInput{AssociationId: id})).must(t)
	if len(runs.AssociationExecutions) != 0 {
		t.Errorf("runs without a host: %+v", runs)
	}
	_, err = client.DeleteDocument(ctx, &ssm.DeleteDocumentInput{Name: document})
	wantCode(t, err, "AssociatedInstances", "")
	ask(client.DeleteAssociation(ctx, &ssm.DeleteAssociationInput{AssociationId: id})).must(t)
	_, err = client.DescribeAssociation(ctx, &ssm.DescribeAssociationInput{AssociationId: id})
	wantCode(t, err, "AssociationDoesNotExist", *id)
	_, err = client.DeleteAssociation(ctx, &ssm.DeleteAssociationInput{AssociationId: id})
	wantCode(t, err, "AssociationDoesNotExist", *id)
	_, err = client.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{AssociationId: id})
	wantCode(t, err, "AssociationDoesNotExist", *id)
	ask(client.DeleteDocument(ctx, &ssm.DeleteDocumentInput{Name: document})).must(t)
}

func TestBadAssociationsAreRefused(t *testing.T) {
	t.Parallel()
	client, document := ssmClient(), newDocument(t)
	for name, tt := range map[string]struct {
		change     func(*ssm.CreateAssociationInput)
		code, word string
	}{
		"no such document": {func(in *ssm.CreateAssociationInput) { in.Name = aws.String("nothing-of-that-name") },
			"InvalidDocument", ""},
		"no such version of it": {func(in *ssm.CreateAssociationInput) { in.DocumentVersion = aws.String("7") },
			"InvalidDocumentVersion", ""},
		"version of no form": {func(in *ssm.CreateAssociationInput) { in.DocumentVersion = aws.String("new") },
			"ValidationException", "new"},
		"short name": {func(in *ssm.CreateAssociationInput) { in.AssociationName = aws.String("ab") },
			"ValidationException", "ab"},
		"no target": {func(in *ssm.CreateAssociationInput) { in.Targets = nil }, "InvalidTarget", ""},
		"six targets": {func(in *ssm.CreateAssociationInput) { in.Targets = slices.Repeat(in.Targets, 6) },
			"InvalidTarget", ""},
		"unknown target": {func(in *ssm.CreateAssociationInput) { in.Targets[0].Key = aws.String("Name") },
			"InvalidTarget", "Name"},
		"51 values": {func(in *ssm.CreateAssociationInput) { in.Targets[0].Values = slices.Repeat([]string{"x"}, 51) },
			"InvalidTarget", ""},
		"rate too short": {func(in *ssm.CreateAssociationInput) { in.ScheduleExpression = aws.String("rate(29 minutes)") },
			"InvalidSchedule", "rate(29 minutes)"},
		"rate too long": {func(in *ssm.CreateAssociationInput) { in.ScheduleExpression = aws.String("rate(31 days)") },
			"InvalidSchedule", ""},
		"cron of five fields": {func(in *ssm.CreateAssociationInput) {
			in.ScheduleExpression = aws.String("cron(0 3 * * *)")
		},
			"InvalidSchedule", "6 fields"},
		"schedule in words": {func(in *ssm.CreateAssociationInput) { in.ScheduleExpression = aws.String("nightly") },
			"InvalidSchedule", ""},
		"only at cron interval with a rate": {func(in *ssm.CreateAssociationInput) { in.ApplyOnlyAtCronInterval = true },
			"ValidationException", "cron"},
		"offset": {func(in *ssm.CreateAssociationInput) { in.ScheduleOffset = aws.Int32(2) },
			"ValidationException", "ScheduleOffset"},
		"output in S3": {func(in *ssm.CreateAssociationInput) {
			in.OutputLocation = &types.InstanceAssociationOutputLocation{S3Location: &types.S3OutputLocation{
				OutputS3BucketName: aws.String("bucket")}}
		}, "ValidationException", "OutputLocation"},
		"limit of machines": {func(in *ssm.CreateAssociationInput) { in.MaxConcurrency = aws.String("1") },
			"ValidationException", "MaxConcurrency"},
		"limit of errors": {func(in *ssm.CreateAssociationInput) { in.MaxErrors = aws.String("1") },
			"ValidationException", "MaxErrors"},
		"no such severity": {func(in *ssm.CreateAssociationInput) { in.ComplianceSeverity = "BAD" },
			"ValidationException", "BAD"},
		"no such compliance": {func(in *ssm.CreateAssociationInput) { in.SyncCompliance = "NEVER" },
			"ValidationException", "NEVER"},
		"undeclared parameter": {func(in *ssm.CreateAssociationInput) { in.Parameters["other"] = []string{"x"} },
			"InvalidParameters", "other"},
		"missing parameter": {func(in *ssm.CreateAssociationInput) { in.Parameters = nil }, "InvalidParameters", "version"},
		"value against the pattern": {func(in *ssm.CreateAssociationInput) {
			in.Parameters["version"] = []string{"00ff; rm"}
		},
			"InvalidParameters", "version"},
		"value that is not listed": {func(in *ssm.CreateAssociationInput) { in.Parameters["mode"] = []string{"odd"} },
			"InvalidParameters", "mode"},
		"two values for one": {func(in *ssm.CreateAssociationInput) { in.Parameters["mode"] = []string{"fast", "slow"} },
			"InvalidParameters", "mode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := good(document)
			tt.change(in)
			_, err := client.CreateAssociation(t.Context(), in)
			wantCode(t, err, tt.code, tt.word)
		})
	}
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	client, ctx := ssmClient(), t.Context()
	made := ask(client.CreateAssociation(ctx, good(newDocument(t)))).must(t).AssociationDescription
	_, err := client.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{
		AssociationId: made.AssociationId, Parameters: map[string][]string{"version": {"no hash"}}})
	wantCode(t, err, "InvalidParameters", "version")
	read := ask(client.DescribeAssociation(ctx,
		&ssm.DescribeAssociationInput{AssociationId: made.AssociationId})).must(t).AssociationDescription
	if *read.AssociationVersion != "1" || read.Parameters["version"][0] != "00ff" {
		t.Errorf("read: %+v", read)
	}
}

func TestAssociationsAreListedByPagesAndFilters(t *testing.T) {
	t.Parallel()
	client, ctx, document := ssmClient(), t.Context(), newDocument(t)
	var want []string
	for _, name := range []string{"first", "second", "third"} {
		in := good(document)
		in.AssociationName = &name
		want = append(want, *ask(client.CreateAssociation(ctx, in)).must(t).AssociationDescription.AssociationId)
	}
	slices.Sort(want)
	filters := []types.AssociationFilter{{Key: types.AssociationFilterKeyName, Value: document}}
	var got []string
	pages := ssm.NewListAssociationsPaginator(client, &ssm.ListAssociationsInput{
		AssociationFilterList: filters, MaxResults: aws.Int32(2)})
	sizes := 0
	for ; pages.HasMorePages(); sizes++ {
		for _, a := range ask(pages.NextPage(ctx)).must(t).Associations {
			got = append(got, *a.AssociationId)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || sizes != 2 {
		t.Errorf("%d pages: %s", sizes, diff)
	}
	filters = append(filters, types.AssociationFilter{Key: types.AssociationFilterKeyAssociationName,
		Value: aws.String("second")})
	one := ask(client.ListAssociations(ctx, &ssm.ListAssociationsInput{AssociationFilterList: filters})).must(t)
	if len(one.Associations) != 1 || *one.Associations[0].AssociationName != "second" {
		t.Errorf("filtered: %+v", one.Associations)
	}
	in := good(document)
	in.AssociationName = aws.String("second")
	_, err := client.CreateAssociation(ctx, in)
	wantCode(t, err, "AssociationAlreadyExists", "")
	filters[0].Key = types.AssociationFilterKeyResourceGroupName
	_, err = client.ListAssociations(ctx, &ssm.ListAssociationsInput{AssociationFilterList: filters})
	wantCode(t, err, "ValidationException", "ResourceGroupName")
}

func TestAssociationsHaveTags(t *testing.T) {
	t.Parallel()
	client, ctx, document := ssmClient(), t.Context(), newDocument(t)
	id := ask(client.CreateAssociation(ctx, good(document))).must(t).AssociationDescription.AssociationId
	tags := func() string {
		t.Helper()
		out := ask(client.ListTagsForResource(ctx,
			&ssm.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingAssociation, ResourceId: id})).must(t)
		var all []string
		for _, t := range out.TagList {
			all = append(all, *t.Key+"="+*t.Value)
		}
		return strings.Join(all, " ")
	}
	if got := tags(); got != "a=1 b=2" {
		t.Errorf("at creation: %s", got)
	}
	ask(client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingAssociation, ResourceId: id,
		Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("3")}, {Key: aws.String("a"),
			Value: aws.String("0")}}})).must(t)
	ask(client.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{
		ResourceType: types.ResourceTypeForTaggingAssociation, ResourceId: id, TagKeys: []string{"b", "none"}})).must(t)
	if got := tags(); got != "a=0 c=3" {
		t.Errorf("changed: %s", got)
	}
	_, err := client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingAssociation, ResourceId: aws.String("none"),
		Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("3")}}})
	wantCode(t, err, "InvalidResourceId", "")
	ask(client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ // moto's own
		ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: document,
		Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("3")}}})).must(t)
}

func TestNoHostHasAnAgent(t *testing.T) {
	t.Parallel()
	client, ctx, document := ssmClient(), t.Context(), newDocument(t)
	hosts := ask(client.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})).must(t)
	runs := ask(client.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{})).must(t)
	if len(hosts.InstanceInformationList)+len(runs.CommandInvocations) != 0 {
		t.Errorf("hosts %v, runs %v", hosts, runs)
	}
	id := launched(t, nil).InstanceId
	_, err := client.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: document, InstanceIds: []string{*id}, Parameters: map[string][]string{"version": {"00ff"}},
	})
	wantCode(t, err, "InvalidInstanceId", "agent")
	_, err = client.DescribeEffectiveInstanceAssociations(ctx,
		&ssm.DescribeEffectiveInstanceAssociationsInput{InstanceId: id})
	wantCode(t, err, "InvalidInstanceId", "agent")
	_, err = client.DescribeInstanceAssociationsStatus(ctx, &ssm.DescribeInstanceAssociationsStatusInput{InstanceId: id})
	wantCode(t, err, "InvalidInstanceId", "agent")
}
