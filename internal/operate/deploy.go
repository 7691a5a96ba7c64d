package operate

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"webstack/contract"
	"webstack/internal/parameterhistory"
)

// DeployOptions say what to deploy.
type DeployOptions struct {
	// App is the app's name.
	App string
	// Release is TAG, TAG@sha256:DIGEST or sha256:DIGEST; "" for a rollback to the previous release.
	Release string
	// Rollback goes back to a release that was deployed before.
	Rollback bool
	// Commit and Run are recorded with the deploy, "" for none: the commit of the app, and the URL of the workflow run.
	Commit, Run string
}

// ErrDeployFailed says that a deploy failed. The host has said why.
var ErrDeployFailed = errors.New("the deploy failed")

// Deploy runs the app's deploy document, and writes to out what the host prints, as it prints it. When ctx ends, the
// deploy goes on. It returns the ID of the command.
func (s *Stack) Deploy(ctx context.Context, host Host, o DeployOptions, out io.Writer) (id string, err error) {
	parameters := map[string]string{"action": "deploy", "release": o.Release, "caller": s.Caller}
	if o.Rollback {
		parameters["action"] = "rollback"
	}
	for name, value := range map[string]string{"commit": o.Commit, "run": o.Run} {
		if value != "" {
			parameters[name] = value
		}
	}
	c := Command{Host: host.InstanceID, Document: s.Document(contract.DocDeploy, o.App), Parameters: parameters}
	return s.follow(ctx, c, out, ErrDeployFailed, "the deploy, which goes on; see webstack releases "+o.App)
}

// follow runs a document whose action "watch" prints what a run of it has printed, and writes that to out. It fails with
// failed if the document failed and the host has printed why. what is followed, and where to look when ctx has ended.
func (s *Stack) follow(ctx context.Context, c Command, out io.Writer, failed error, what string) (id string, err error) {
	if id, err = s.send(ctx, c); err == nil {
		err = s.print(ctx, c, id, out, failed)
	}
	if err != nil && ctx.Err() != nil {
		return id, fmt.Errorf("follow %s: %w", what, ctx.Err())
	}
	return id, err
}

// print writes to out what a command prints until it ends.
func (s *Stack) print(ctx context.Context, c Command, id string, out io.Writer, failed error) error {
	w := &watcher{Stack: s, command: c, id: id, out: out}
	ended, err := s.wait(ctx, id, c.Host, watchPause, func(status ssmtypes.CommandInvocationStatus) {
		if status == ssmtypes.CommandInvocationStatusInProgress {
			_, _ = w.look(ctx) // its failure is not the command's
		}
	})
	if err != nil {
		return err
	}
	result, err := s.result(ctx, id, c, ended)
	if err != nil {
		return err
	}
	if err := w.finish(ctx, result.Stdout()); err != nil {
		return err
	}
	for _, step := range result.Steps {
		if step.ExitCode == 1 && len(step.Stdout) > 0 {
			return failed
		}
	}
	return result.Err()
}

// watchPause is the longest pause between two looks at a running command.
const watchPause = 500 * time.Millisecond

// watcher prints what a command prints.
type watcher struct {
	*Stack
	command Command
	id      string
	out     io.Writer
	printed int // bytes
}

// look prints what is new, and returns how much that was.
func (w *watcher) look(ctx context.Context) (int, error) {
	result, err := w.Run(ctx, Command{
		Host: w.command.Host, Document: w.command.Document,
		Parameters: map[string]string{"action": "watch", "command": w.id, "from": strconv.Itoa(w.printed)},
	})
	if err == nil {
		err = result.Err()
	}
	if err != nil {
		return 0, err
	}
	text := result.Stdout()
	w.printed += len(text)
	_, err = io.WriteString(w.out, text)
	return len(text), err
}

// finish prints the rest. What Run Command keeps of a long output ends early.
func (w *watcher) finish(ctx context.Context, stdout string) error {
	if w.printed == 0 && len(stdout) < contract.MaxOutput {
		_, err := io.WriteString(w.out, withoutNotes(stdout))
		return err
	}
	for {
		if n, err := w.look(ctx); err != nil || n == 0 {
			return err
		}
	}
}

// withoutNotes returns what a step itself wrote: the agent adds a line to the output of one that failed.
func withoutNotes(stdout string) string {
	text := strings.Join(written(stdout), "\n")
	if text != "" {
		text += "\n"
	}
	return text
}

// Release is a deploy in the list of an app.
type Release struct {
	contract.Deploy
	// Live is true for the newest successful deploy of the release that is live.
	Live bool `json:"live"`
}

// Releases returns the recorded deploys of an app, the newest first, and the live release, "" without one.
func (s *Stack) Releases(ctx context.Context, app string) (all []Release, live string, err error) {
	client, base := ssm.NewFromConfig(s.AWS), contract.BasePath(s.Project, s.Name)
	found, err := client.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{contract.AppReleaseParam(base, app)}})
	if err != nil {
		return nil, "", Explain("read the live release of "+app, err)
	}
	for _, p := range found.Parameters {
		if live = aws.ToString(p.Value); live == contract.NoRelease {
			live = ""
		}
	}
	values, err := parameterhistory.Read(ctx, client, contract.AppDeployParam(base, app))
	if err != nil {
		return nil, "", Explain("list the deploys of "+app, err)
	}
	marked := live == ""
	for _, d := range contract.DecodeDeploys(values) {
		is := !marked && d.Result == contract.DeploySucceeded && contract.SameImage(d.Release, live)
		marked = marked || is
		all = append(all, Release{d, is})
	}
	return all, live, nil
}

// Who shortens an ARN to what tells people apart: the user, or the role and the session.
func Who(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	return strings.TrimPrefix(strings.TrimPrefix(parts[5], "user/"), "assumed-role/")
}

// Maintain puts an app into maintenance, with a message for its visitors or "" for the usual one, or takes it out. It
// returns what the host said.
func (s *Stack) Maintain(ctx context.Context, host Host, app string, on bool, message string) (string, error) {
	state := "off"
	if on {
		state = "on"
	}
	result, err := s.Run(ctx, Command{
		Host: host.InstanceID, Document: s.Document(contract.DocMaintenance),
		Parameters: map[string]string{
			"app": app, "state": state, "message": base64.StdEncoding.EncodeToString([]byte(message)),
		},
	})
	if err == nil {
		err = result.Err()
	}
	if err != nil {
		return "", fmt.Errorf("change the maintenance of %s: %w", app, err)
	}
	return result.Stdout(), nil
}
