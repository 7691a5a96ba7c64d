package verify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
	"webstack/internal/operate"
)

var systemChecks = []check{
	{phase: 3, name: "system.agent", looked: "the host's Systems Manager agent", run: checkAgent},
	{phase: 3, name: "system.session", looked: "whether sessions can be opened", run: checkSession},
	{phase: 3, name: "system.documents", looked: "the stack's documents", run: checkDocuments},
	{phase: 3, name: "system.converge", looked: "the association that applies the bundle", run: checkConverge},
	{phase: 3, name: "system.status", looked: "the status that the host reports", run: checkStatus,
		do: "see system.converge first: it installs the host program"},
	{phase: 3, name: "system.docker", looked: "docker version on the host", run: checkDocker},
	{phase: 3, name: "system.disks", looked: "how full the disks are", run: checkDisks},
}

func checkAgent(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.reached(ctx)
	if err != nil {
		return nil, err
	}
	return []finding{passed("", "%s is online", host.InstanceID)}, nil
}

func checkSession(ctx context.Context, w *world) ([]finding, error) {
	host, err := w.reached(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := w.ssm.GetConnectionStatus(ctx, &ssm.GetConnectionStatusInput{Target: &host.InstanceID})
	if err != nil {
		return nil, operate.Explain("check whether sessions can be opened", err)
	}
	if answer.Status != types.ConnectionStatusConnected {
		return []finding{failed("", "the host needs outbound TCP 443 to ssmmessages."+w.region+".amazonaws.com; "+
			"then aws ec2 reboot-instances --region "+w.region+" --instance-ids "+host.InstanceID,
			"%s is %s", host.InstanceID, answer.Status)}, nil
	}
	return []finding{passed("", "webstack shell, or aws ssm start-session --target %s", host.InstanceID)}, nil
}

// checkDocuments checks the documents that no other check covers.
func checkDocuments(ctx context.Context, w *world) ([]finding, error) {
	var out []finding
	for _, kind := range []string{contract.DocConverge, contract.DocStatus, contract.DocLogs} {
		out = append(out, w.document(ctx, kind, kind))
	}
	return out, nil
}

// document checks one document of the stack.
func (w *world) document(ctx context.Context, subject string, parts ...string) finding {
	name := contract.DocumentName(w.project, w.stack, parts...)
	answer, err := w.ssm.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: &name})
	switch {
	case operate.HasCode(err, "InvalidDocument"):
		return failed(subject, w.again(), "there is no document %s", name)
	case err != nil:
		return failed(subject, "fix it and run verify again", "%v", operate.Explain("look at document "+name, err))
	case answer.Document.Status != types.DocumentStatusActive:
		return failed(subject, w.again(), "%s is %s", name, answer.Document.Status)
	}
	// Pulumi changes a document with two calls. If it is killed between them, every later change fails: Pulumi passes the
	// default version as the one to update, and Systems Manager accepts only the latest.
	latest, standard := aws.ToString(answer.Document.LatestVersion), aws.ToString(answer.Document.DefaultVersion)
	if latest != standard {
		return failed(subject, "aws ssm update-document-default-version --region "+w.region+" --name "+name+
			" --document-version "+latest+", then "+w.again(),
			"the default version of %s is %s, the latest is %s: an update was interrupted while it changed the document",
			name, standard, latest)
	}
	return passed(subject, "%s", name)
}

// association finds an association of the stack by its purpose.
func (w *world) association(ctx context.Context, does string) (*types.AssociationDescription, error) {
	name := contract.DocumentName(w.project, w.stack, does)
	list, err := w.ssm.ListAssociations(ctx, &ssm.ListAssociationsInput{AssociationFilterList: []types.AssociationFilter{
		{Key: types.AssociationFilterKeyAssociationName, Value: &name},
	}})
	if err != nil {
		return nil, operate.Explain("look for the association "+name, err)
	}
	for _, found := range list.Associations {
		if aws.ToString(found.AssociationName) != name {
			continue
		}
		answer, err := w.ssm.DescribeAssociation(ctx, &ssm.DescribeAssociationInput{AssociationId: found.AssociationId})
		if err != nil {
			return nil, operate.Explain("look at the association "+name, err)
		}
		return answer.AssociationDescription, nil
	}
	return nil, fmt.Errorf("there is no association %s; %s", name, w.again())
}

// lastRun returns the status of the association's last run, "" before the first one.
func lastRun(a *types.AssociationDescription) string {
	if a.Overview == nil {
		return ""
	}
	return aws.ToString(a.Overview.Status)
}

func checkConverge(ctx context.Context, w *world) ([]finding, error) {
	association, err := w.association(ctx, contract.DocConverge)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(association.AssociationName)
	switch last := lastRun(association); last {
	case "Success":
	case "":
		return []finding{failed("", "wait a few minutes and run verify again", "%s: it has not run yet", name)}, nil
	case "Pending", "InProgress":
		return []finding{{outcome: Later, found: name + ": it is running now"}}, nil
	default:
		return []finding{failed("", "fix the cause; the host tries again within half an hour, or at once after "+w.again(),
			"%s: %s: %s", name, last, w.whyFailed(ctx, association))}, nil
	}
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	want := ""
	if sum := association.Parameters["manifestSha256"]; len(sum) == 1 {
		want = sum[0]
	}
	if status.Manifest != want {
		return []finding{failed("", "wait a few minutes and run verify again; if that does not help, "+w.again(),
			"the host has bundle %s, not %s", short(status.Manifest), short(want))}, nil
	}
	return []finding{passed("", "Success; the host has bundle %s", short(want))}, nil
}

// short returns the beginning of a checksum, enough to recognize it.
func short(sum string) string {
	const shown = 12
	if sum == "" {
		return "none"
	}
	return sum[:min(shown, len(sum))]
}

func checkStatus(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	return []finding{passed("", "up since %s, %d containers", status.Boot.UTC().Format("2006-01-02 15:04 MST"),
		len(status.Services)+len(status.Apps))}, nil
}

func checkDocker(ctx context.Context, w *world) ([]finding, error) {
	status, err := w.status(ctx)
	if err != nil {
		return nil, err
	}
	if status.Docker == "" {
		return []finding{failed("", "webstack shell, then: systemctl status docker; journalctl -u docker",
			"the engine does not answer")}, nil
	}
	return []finding{passed("", "engine %s", status.Docker)}, nil
}

// parameter returns the value of a parameter in Parameter Store, "" if there is none.
func (w *world) parameter(ctx context.Context, name string) (string, error) {
	answer, err := w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if operate.HasCode(err, "ParameterNotFound") {
		return "", nil
	}
	if err != nil {
		return "", operate.Explain("read "+name, err)
	}
	return aws.ToString(answer.Parameter.Value), nil
}
