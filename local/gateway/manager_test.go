package gateway

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// associate makes an association with the machines of a stack.
func (r *rig) associate(document *string, stack string, change func(*ssm.CreateAssociationInput)) string {
	r.t.Helper()
	in := &ssm.CreateAssociationInput{
		Name: document, Targets: []types.Target{{Key: aws.String("tag:stack"), Values: []string{stack}}},
	}
	if change != nil {
		change(in)
	}
	return *ask(r.ssm.CreateAssociation(r.t.Context(), in)).must(r.t).AssociationDescription.AssociationId
}

func scheduled(expression string) func(*ssm.CreateAssociationInput) {
	return func(in *ssm.CreateAssociationInput) { in.ScheduleExpression = &expression }
}

func onlyAt(cron string) func(*ssm.CreateAssociationInput) {
	return func(in *ssm.CreateAssociationInput) {
		in.ScheduleExpression, in.ApplyOnlyAtCronInterval = &cron, true
	}
}

// association reads one.
func (r *rig) association(id string) *types.AssociationDescription {
	r.t.Helper()
	return ask(r.ssm.DescribeAssociation(r.t.Context(),
		&ssm.DescribeAssociationInput{AssociationId: &id})).must(r.t).AssociationDescription
}

// settled waits until an association has run that often and returns its status.
func (r *rig) settled(id string, runs int) *types.AssociationDescription {
	r.t.Helper()
	eventually(r.t, fmt.Sprint(runs, " ended"), func() string {
		list := r.executions(id)
		if r.association(id).Overview.Status == nil || *r.association(id).Overview.Status == "Pending" {
			return fmt.Sprint(len(list), " pending")
		}
		return fmt.Sprint(len(list), " ended")
	})
	return r.association(id)
}

func (r *rig) executions(id string) []types.AssociationExecution {
	r.t.Helper()
	return ask(r.ssm.DescribeAssociationExecutions(r.t.Context(),
		&ssm.DescribeAssociationExecutionsInput{AssociationId: &id})).must(r.t).AssociationExecutions
}

// wrote waits until the runs on a machine wrote that.
func (r *rig) wrote(id, words string) {
	r.t.Helper()
	eventually(r.t, words, func() string { return r.lines(id) })
}

func TestAnAssociationRunsAndIsSeen(t *testing.T) {
	t.Parallel()
	r, ctx, stack := newRig(t), t.Context(), unique()
	machineID := r.launch(stack)
	document := r.logging()
	id := r.associate(document, stack, scheduled("rate(30 minutes)"))
	found := r.settled(id, 1)
	if *found.Overview.Status != "Success" || found.Overview.AssociationStatusAggregatedCount["Success"] != 1 ||
		found.LastExecutionDate == nil || found.LastSuccessfulExecutionDate == nil || r.lines(machineID) != "hello" {
		t.Errorf("%+v, wrote %q", found, r.lines(machineID))
	}
	run := r.executions(id)[0]
	if *run.Status != "Success" || *run.ResourceCountByStatus != "{Success=1}" || *run.AssociationVersion != "1" {
		t.Errorf("run: %+v", run)
	}
	on := ask(r.ssm.DescribeAssociationExecutionTargets(ctx, &ssm.DescribeAssociationExecutionTargetsInput{
		AssociationId: &id, ExecutionId: run.ExecutionId,
	})).must(t).AssociationExecutionTargets
	if len(on) != 1 || *on[0].ResourceId != machineID || *on[0].Status != "Success" ||
		*on[0].OutputSource.OutputSourceType != "RunCommand" {
		t.Fatalf("on: %+v", on)
	}
	output := r.step(*on[0].OutputSource.OutputSourceId, machineID, "write")
	if stands(output) != "Success/Success 0" {
		t.Errorf("output: %+v", output)
	}
	commands := ask(r.ssm.ListCommands(ctx, &ssm.ListCommandsInput{})).must(t).Commands
	if len(commands) != 0 {
		t.Errorf("runs of associations are listed as commands: %+v", commands)
	}
	status := ask(r.ssm.DescribeInstanceAssociationsStatus(ctx,
		&ssm.DescribeInstanceAssociationsStatusInput{InstanceId: &machineID})).must(t).InstanceAssociationStatusInfos
	if len(status) != 1 || *status[0].Status != "Success" || !strings.HasPrefix(*status[0].ExecutionSummary,
		"1 out of 1 plugin processed, 1 success, 0 failed, 0 timedout, 0 skipped.") {
		t.Errorf("status: %+v", status)
	}
	effective := ask(r.ssm.DescribeEffectiveInstanceAssociations(ctx,
		&ssm.DescribeEffectiveInstanceAssociationsInput{InstanceId: &machineID})).must(t).Associations
	if len(effective) != 1 || *effective[0].AssociationId != id || !strings.Contains(*effective[0].Content, "mainSteps") {
		t.Errorf("effective: %+v", effective)
	}
	listed := ask(r.ssm.ListAssociations(ctx, &ssm.ListAssociationsInput{})).must(t).Associations
	if len(listed) != 1 || *listed[0].Overview.Status != "Success" {
		t.Errorf("listed: %+v", listed)
	}
	info := ask(r.ssm.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})).must(t)
	if *info.InstanceInformationList[0].AssociationStatus != "Success" {
		t.Errorf("instance: %+v", info.InstanceInformationList)
	}
	_, err := r.ssm.DescribeAssociationExecutionTargets(ctx, &ssm.DescribeAssociationExecutionTargetsInput{
		AssociationId: &id, ExecutionId: &id,
	})
	wantCode(t, err, "AssociationExecutionDoesNotExist", "")
	_, err = r.ssm.DescribeInstanceAssociationsStatus(ctx,
		&ssm.DescribeInstanceAssociationsStatusInput{InstanceId: aws.String("i-0123456789abcdef0")})
	wantCode(t, err, "InvalidInstanceId", "")
}

func TestAFailedRunIsSeen(t *testing.T) {
	t.Parallel()
	r, ctx, stack := newRig(t), t.Context(), unique()
	machineID := r.launch(stack)
	id := r.associate(r.document(step("a", "true"), step("b", "yes reason | head -c 4000 >&2; exit 5")), stack, nil)
	if found := r.settled(id, 1); *found.Overview.Status != "Failed" ||
		found.Overview.AssociationStatusAggregatedCount["Failed"] != 1 || found.LastSuccessfulExecutionDate != nil {
		t.Errorf("%+v", found)
	}
	info := ask(r.ssm.DescribeInstanceAssociationsStatus(ctx,
		&ssm.DescribeInstanceAssociationsStatusInput{InstanceId: &machineID})).must(t).InstanceAssociationStatusInfos[0]
	if *info.Status != "Failed" || *info.ErrorCode != "ExecutionError" || len(*info.ExecutionSummary) > 512 ||
		!strings.HasPrefix(*info.ExecutionSummary, "2 out of 2 plugins processed, 1 success, 1 failed, 0 timedout, "+
			"0 skipped. \nThe operation b failed because ") ||
		!strings.HasSuffix(*info.ExecutionSummary, "exit status 5.") {
		t.Errorf("%+v: %s", info, *info.ExecutionSummary)
	}
}

// Each case says when State Manager runs an association, and tests it.
func TestWhenAssociationsRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, r *rig, stack, machineID string, document *string){
		"again at an update, with what it says": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, nil)
			r.wrote(machineID, "hello")
			ask(r.ssm.UpdateAssociation(t.Context(), &ssm.UpdateAssociationInput{
				AssociationId: &id, Parameters: map[string][]string{"word": {"again"}},
			})).must(t)
			r.wrote(machineID, "hello again")
			if found := r.settled(id, 2); *r.executions(id)[0].AssociationVersion != "2" || *found.AssociationVersion != "2" {
				t.Errorf("%+v", r.executions(id))
			}
		},
		"again when its document has a new default version": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, nil)
			r.settled(id, 1)
			r.update(document, "1", "two")
			r.beats()
			r.wrote(machineID, "hello")
			r.setDefault(document, "2")
			r.wrote(machineID, "hello two")
		},
		"again when its document has a new latest version, if it uses that": func(t *testing.T, r *rig, stack, machineID string,
			document *string,
		) {
			id := r.associate(document, stack, func(in *ssm.CreateAssociationInput) { in.DocumentVersion = aws.String("$LATEST") })
			r.settled(id, 1)
			r.update(document, "1", "two")
			r.wrote(machineID, "hello two")
			r.setDefault(document, "2")
			r.beats()
			r.wrote(machineID, "hello two")
		},
		"not again for another version of its document, if it uses one by number": func(t *testing.T, r *rig, stack,
			machineID string, document *string,
		) {
			id := r.associate(document, stack, func(in *ssm.CreateAssociationInput) { in.DocumentVersion = aws.String("1") })
			r.settled(id, 1)
			r.update(document, "1", "two")
			r.setDefault(document, "2")
			r.beats()
			r.wrote(machineID, "hello")
		},
		"on a new machine that matches, and there only": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, nil)
			r.settled(id, 1)
			second := r.launch(stack)
			r.wrote(second, "hello")
			if r.settled(id, 2); r.lines(machineID) != "hello" {
				t.Errorf("wrote %q", r.lines(machineID))
			}
		},
		"when its machine has booted": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			if err := r.machines.Stop(t.Context(), machineID); err != nil {
				t.Fatal(err)
			}
			id := r.associate(document, stack, nil)
			r.beats()
			if got := r.association(id); *got.Overview.Status != "Pending" || len(r.executions(id)) != 0 {
				t.Errorf("before the boot: %+v", got.Overview)
			}
			r.boot(machineID)
			r.wrote(machineID, "hello")
		},
		"at its rate": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, scheduled("rate(30 minutes)"))
			r.settled(id, 1)
			r.pass(29 * time.Minute)
			r.beats()
			r.wrote(machineID, "hello")
			r.pass(time.Minute)
			r.wrote(machineID, "hello hello")
		},
		"at its cron times, and at once": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, scheduled("cron(0 0/1 * * ? *)"))
			r.settled(id, 1)
			r.pass(49 * time.Minute)
			r.beats()
			r.wrote(machineID, "hello")
			r.pass(time.Minute)
			r.wrote(machineID, "hello hello")
		},
		"at its cron times only": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, onlyAt("cron(0 0/1 * * ? *)"))
			r.beats()
			ask(r.ssm.UpdateAssociation(t.Context(), &ssm.UpdateAssociationInput{
				AssociationId: &id, ScheduleExpression: aws.String("cron(0 0/1 * * ? *)"), ApplyOnlyAtCronInterval: true,
				Parameters: map[string][]string{"word": {"changed"}},
			})).must(t)
			r.update(document, "1", "two")
			r.setDefault(document, "2")
			r.beats()
			if got := r.executions(id); len(got) != 0 {
				t.Errorf("it ran: %+v", got)
			}
			r.pass(50 * time.Minute)
			r.wrote(machineID, "two")
			r.settled(id, 1)
			r.pass(time.Hour)
			r.wrote(machineID, "two two")
		},
		"when it is asked for, even one for cron times only": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, onlyAt("cron(0 0/1 * * ? *)"))
			r.beats()
			ask(r.ssm.StartAssociationsOnce(t.Context(), &ssm.StartAssociationsOnceInput{AssociationIds: []string{id}})).must(t)
			r.wrote(machineID, "hello")
			r.settled(id, 1)
			r.beats()
			r.wrote(machineID, "hello")
		},
		"once without a schedule, even when it failed": func(t *testing.T, r *rig, stack, machineID string, _ *string) {
			id := r.associate(r.document(step("write", `echo ran >> "$ROOT/log"; exit 1`)), stack, nil)
			r.settled(id, 1)
			r.pass(48 * time.Hour)
			if err := r.machines.Reboot(t.Context(), machineID); err != nil {
				t.Fatal(err)
			}
			r.beats()
			r.wrote(machineID, "ran")
		},
		"again with a schedule when it failed": func(t *testing.T, r *rig, stack, machineID string, _ *string) {
			id := r.associate(r.document(step("write", `echo ran >> "$ROOT/log"; exit 1`)), stack, scheduled("rate(30 minutes)"))
			r.settled(id, 1)
			r.pass(30 * time.Minute)
			r.wrote(machineID, "ran ran")
		},
		"after the boot when its time passed while the machine was down": func(t *testing.T, r *rig, stack, machineID string,
			document *string,
		) {
			id := r.associate(document, stack, scheduled("rate(30 minutes)"))
			r.settled(id, 1)
			if err := r.machines.Stop(t.Context(), machineID); err != nil {
				t.Fatal(err)
			}
			r.pass(2 * time.Hour)
			r.beats()
			r.wrote(machineID, "hello")
			r.boot(machineID)
			r.wrote(machineID, "hello hello")
			r.settled(id, 2)
		},
		"not after it is deleted": func(t *testing.T, r *rig, stack, machineID string, document *string) {
			id := r.associate(document, stack, scheduled("rate(30 minutes)"))
			r.settled(id, 1)
			ask(r.ssm.DeleteAssociation(t.Context(), &ssm.DeleteAssociationInput{AssociationId: &id})).must(t)
			r.pass(30 * time.Minute)
			r.beats()
			r.wrote(machineID, "hello")
		},
		"not with values that a new version of its document does not allow": func(t *testing.T, r *rig, stack, machineID string,
			document *string,
		) {
			id := r.associate(document, stack, func(in *ssm.CreateAssociationInput) {
				in.Parameters = map[string][]string{"word": {"first"}}
			})
			r.settled(id, 1)
			ask(r.ssm.UpdateDocument(t.Context(), &ssm.UpdateDocumentInput{
				Name: document, DocumentVersion: aws.String("1"),
				Content: aws.String(strings.Replace(*content(t, step("write", "true")), "{1,10}", "{1,2}", 1)),
			})).must(t)
			r.setDefault(document, "2")
			if got := r.settled(id, 2); *got.Overview.Status != "Failed" {
				t.Errorf("%+v", got.Overview)
			}
			info := ask(r.ssm.DescribeInstanceAssociationsStatus(t.Context(),
				&ssm.DescribeInstanceAssociationsStatusInput{InstanceId: &machineID})).must(t).InstanceAssociationStatusInfos[0]
			if *info.DetailedStatus != "InvalidParameters" || !strings.Contains(*info.ExecutionSummary, "word") {
				t.Errorf("%+v", info)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, stack := newRig(t), unique()
			test(t, r, stack, r.launch(stack), r.logging())
		})
	}
}

// update gives a document a version that writes a word.
func (r *rig) update(document *string, from, word string) {
	r.t.Helper()
	ask(r.ssm.UpdateDocument(r.t.Context(), &ssm.UpdateDocumentInput{
		Name: document, DocumentVersion: &from, Content: content(r.t, step("write", `echo `+word+` >> "$ROOT/log"`)),
	})).must(r.t)
}

func (r *rig) setDefault(document *string, version string) {
	r.t.Helper()
	ask(r.ssm.UpdateDocumentDefaultVersion(r.t.Context(), &ssm.UpdateDocumentDefaultVersionInput{
		Name: document, DocumentVersion: &version,
	})).must(r.t)
}

// An agent runs one association at a time.
func TestAssociationsOnAMachineDoNotOverlap(t *testing.T) {
	t.Parallel()
	r, stack := newRig(t), unique()
	machineID := r.launch(stack)
	document := r.document(step("s", `mkdir "$ROOT/lock" || exit 9`+"\n"+`sleep 0.2; rmdir "$ROOT/lock"; echo ran >> "$ROOT/log"`))
	var ids []string
	for range 3 {
		ids = append(ids, r.associate(document, stack, nil))
	}
	r.wrote(machineID, "ran ran ran")
	for _, id := range ids {
		if got := r.settled(id, 1); *got.Overview.Status != "Success" {
			t.Errorf("%+v", got.Overview)
		}
	}
}

// A change during a run causes another run, with the change.
func TestAChangeDuringARunIsNotLost(t *testing.T) {
	t.Parallel()
	r, stack := newRig(t), unique()
	machineID := r.launch(stack)
	id := r.associate(r.document(step("s", `touch "$ROOT/began"; [ {{ word }} = done ] || while [ ! -e "$ROOT/go" ]; do
sleep 0.01; done; echo {{ word }} >> "$ROOT/log"`)), stack, nil)
	r.began(machineID)
	for _, word := range []string{"lost", "done"} {
		ask(r.ssm.UpdateAssociation(t.Context(), &ssm.UpdateAssociationInput{
			AssociationId: &id, Parameters: map[string][]string{"word": {word}},
		})).must(t)
	}
	r.beats()
	if got := r.executions(id); len(got) != 1 {
		t.Errorf("%d runs at a time", len(got))
	}
	r.touch(machineID, "go")
	r.wrote(machineID, "hello done")
	if got := r.settled(id, 2); *got.Overview.Status != "Success" {
		t.Errorf("%+v", got.Overview)
	}
}

func TestAssociationsAreOfTheirRegion(t *testing.T) {
	t.Parallel()
	r, ctx, stack := newRig(t), t.Context(), unique()
	id := r.associate(r.logging(), stack, nil)
	elsewhere := ssm.NewFromConfig(r.config("eu-central-1"))
	_, err := elsewhere.DescribeAssociation(ctx, &ssm.DescribeAssociationInput{AssociationId: &id})
	wantCode(t, err, "AssociationDoesNotExist", id)
	_, err = elsewhere.UpdateAssociation(ctx, &ssm.UpdateAssociationInput{AssociationId: &id})
	wantCode(t, err, "AssociationDoesNotExist", id)
	_, err = elsewhere.StartAssociationsOnce(ctx, &ssm.StartAssociationsOnceInput{AssociationIds: []string{id}})
	wantCode(t, err, "AssociationDoesNotExist", id)
	if list := ask(elsewhere.ListAssociations(ctx, &ssm.ListAssociationsInput{})).must(t).Associations; len(list) != 0 {
		t.Errorf("elsewhere: %+v", list)
	}
}

// An association never remains without its document, whichever call comes first.
func TestADocumentIsNotDeletedUnderAnAssociation(t *testing.T) {
	t.Parallel()
	r, ctx := newRig(t), t.Context()
	for range 20 {
		document := r.logging()
		var deleted, associated error
		var both sync.WaitGroup
		both.Add(2)
		go func() {
			defer both.Done()
			_, deleted = r.ssm.DeleteDocument(ctx, &ssm.DeleteDocumentInput{Name: document})
		}()
		go func() {
			defer both.Done()
			_, associated = r.ssm.CreateAssociation(ctx, &ssm.CreateAssociationInput{
				Name: document, Targets: []types.Target{{Key: aws.String("tag:stack"), Values: []string{"none"}}},
			})
		}()
		both.Wait()
		if (deleted == nil) == (associated == nil) {
			t.Fatalf("deleted: %v, associated: %v", deleted, associated)
		}
	}
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	const form = "Mon 2006-01-02 15:04:05"
	after := time.Date(2026, 5, 4, 12, 10, 0, 0, time.UTC) // a Monday
	for expression, want := range map[string]string{
		"rate(30 minutes)":        "Mon 2026-05-04 12:40:00",
		"rate(30 days)":           "Wed 2026-06-03 12:10:00",
		"cron(0/30 * * * ? *)":    "Mon 2026-05-04 12:30:00",
		"cron(0 0/1 * * ? *)":     "Mon 2026-05-04 13:00:00",
		"cron(0 0/12 * * ? *)":    "Tue 2026-05-05 00:00:00",
		"cron(15 13 ? * * *)":     "Mon 2026-05-04 13:15:00",
		"cron(15 13 ? * MON *)":   "Mon 2026-05-04 13:15:00",
		"cron(15 11 ? * MON *)":   "Mon 2026-05-11 11:15:00",
		"cron(15 11 ? * 2 *)":     "Mon 2026-05-11 11:15:00",
		"cron(15 11 ? * 1 *)":     "Sun 2026-05-10 11:15:00",
		"cron(30 23 ? * TUE#3 *)": "Tue 2026-05-19 23:30:00",
		"cron(30 23 ? * 3#3 *)":   "Tue 2026-05-19 23:30:00",
		"cron(0 2 ? * THUL *)":    "Thu 2026-05-28 02:00:00",
		"cron(0 2 ? * 2-6 *)":     "Tue 2026-05-05 02:00:00",
		"":                        "Mon 0001-01-01 00:00:00",
	} {
		s, err := parseSchedule(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := s.next(after).UTC().Format(form); got != want {
			t.Errorf("%s: %s, wanted %s", expression, got, want)
		}
	}
	for _, bad := range []string{
		"rate(29 minutes)", "rate(31 days)", "rate(0 days)", "rate(9999999 days)", "cron(0 3 * * *)", "cron(0 3 * 1 ? *)",
		"cron(61 3 * * ? *)", "at(2026-05-06T07:08:09)", "nightly",
	} {
		if _, err := parseSchedule(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
