package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/internal/atomicfile"
	"webstack/local/workdir"
)

// Passphrase encrypts the secrets of the stack on the laptop. It protects nothing: the stack holds no real secret.
const Passphrase = "webstack-local"

// Options say which stack to drive, and against what.
type Options struct {
	Dir    workdir.Dir
	Stack  string // such as "local"
	Pulumi Pulumi
	// Env is what the engine needs to reach the cloud; Environment has the rest.
	Env map[string]string
	// CloudID names the life of the cloud. A state that was written against another one is refreshed first.
	CloudID string
	// Created asks the cloud what an interrupted run has made.
	Created Created
	// Lost names something that the state knows and the cloud has no longer, "" when there is nothing. It is asked before
	// a run that does not refresh for another reason, and does then. Nil for nothing.
	Lost func(ctx context.Context, resources []apitype.ResourceV3) (string, error)
	// Say tells the user something worth knowing.
	Say func(format string, args ...any)
	// Watch is shown every event of a run; nil for none.
	Watch func(events.EngineEvent)
}

// Stack is a stack that can be previewed, brought up and destroyed.
type Stack struct {
	options Options
	stack   auto.Stack
}

// Environment is what any Pulumi needs to find the state of the stack on the laptop.
func Environment(dir workdir.Dir) map[string]string {
	return map[string]string{
		// Without metadata: it is a file beside each file, which is not written in one step, and one that is cut off
		// when Pulumi is killed makes the state unreadable.
		"PULUMI_BACKEND_URL":                            "file://" + dir.State() + "?metadata=skip",
		"PULUMI_HOME":                                   dir.PulumiHome(),
		"PULUMI_CONFIG_PASSPHRASE":                      Passphrase,
		"PULUMI_SKIP_UPDATE_CHECK":                      "true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION":   "true",
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
	}
}

// Open selects the stack, and makes it when it does not exist yet.
func Open(ctx context.Context, options Options) (*Stack, error) {
	if err := os.MkdirAll(options.Dir.State(), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the state: %w", err)
	}
	env := Environment(options.Dir)
	maps.Copy(env, options.Env)
	workspace, err := auto.NewLocalWorkspace(ctx,
		auto.WorkDir(string(options.Dir)), auto.PulumiHome(options.Dir.PulumiHome()),
		auto.EnvVars(env), auto.Pulumi(options.Pulumi.command))
	if err != nil {
		return nil, fmt.Errorf("open the Pulumi project: %w", err)
	}
	stack, err := auto.SelectStack(ctx, options.Stack, workspace)
	if auto.IsSelectStack404Error(err) {
		stack, err = create(ctx, options, workspace)
	}
	if err != nil {
		return nil, fmt.Errorf("open stack %s: %w", options.Stack, brief(err))
	}
	return &Stack{options: options, stack: stack}, nil
}

// create makes the stack and leaves its config file, which is under version control, as it was.
func create(ctx context.Context, options Options, workspace auto.Workspace) (auto.Stack, error) {
	path := filepath.Join(string(options.Dir), "Pulumi."+options.Stack+".yaml")
	before, readErr := os.ReadFile(path)
	stack, err := auto.NewStack(ctx, options.Stack, workspace)
	if err != nil || readErr != nil {
		return stack, err
	}
	after, err := os.ReadFile(path)
	if err == nil && string(after) != string(before) {
		err = atomicfile.Write(path, before, 0o644)
	}
	return stack, err
}

// Up brings the stack to what the program says and returns how many resources were changed, by kind of change.
func (s *Stack) Up(ctx context.Context) (map[apitype.OpType]int, error) {
	refresh, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	run := s.begin("bring up")
	options := []optup.Option{optup.EventStreams(run.events), optup.SuppressProgress(), optup.SuppressOutputs()}
	if refresh {
		options = append(options, optup.Refresh())
	}
	_, err = s.stack.Up(ctx, options...)
	if err := run.end(err); err != nil {
		return nil, err
	}
	return run.changes, s.remember()
}

// Preview finds out what Up would change, and changes nothing; Watch is shown each step. Where full is not nil it gets
// Pulumi's own account, which has every property of every resource.
func (s *Stack) Preview(ctx context.Context, full io.Writer) (map[apitype.OpType]int, error) {
	refresh, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	run := s.begin("preview")
	options := []optpreview.Option{optpreview.EventStreams(run.events), optpreview.SuppressProgress()}
	if full != nil {
		options = []optpreview.Option{
			optpreview.EventStreams(run.events), optpreview.Diff(), optpreview.ProgressStreams(full), optpreview.Color("never"),
		}
	}
	if refresh {
		options = append(options, optpreview.Refresh())
	}
	_, err = s.stack.Preview(ctx, options...)
	return run.changes, run.end(err)
}

// Refresh brings the state to what is really in the cloud.
func (s *Stack) Refresh(ctx context.Context) (map[apitype.OpType]int, error) {
	if _, err := s.prepare(ctx); err != nil {
		return nil, err
	}
	run := s.begin("refresh")
	_, err := s.stack.Refresh(ctx, optrefresh.EventStreams(run.events), optrefresh.SuppressProgress())
	if err := run.end(err); err != nil {
		return nil, err
	}
	return run.changes, s.remember()
}

// Destroy deletes every resource of the stack. On the laptop nothing is worth protecting: what the program protects or
// retains is deleted too, and said.
func (s *Stack) Destroy(ctx context.Context) (map[apitype.OpType]int, error) {
	refresh, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.release(ctx); err != nil {
		return nil, err
	}
	run := s.begin("destroy")
	options := []optdestroy.Option{optdestroy.EventStreams(run.events), optdestroy.SuppressProgress()}
	if refresh {
		options = append(options, optdestroy.Refresh())
	}
	_, err = s.stack.Destroy(ctx, options...)
	return run.changes, run.end(err)
}

// Outputs returns the outputs of the stack by name.
func (s *Stack) Outputs(ctx context.Context) (auto.OutputMap, error) {
	outputs, err := s.stack.Outputs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the outputs of stack %s: %w", s.options.Stack, brief(err))
	}
	return outputs, nil
}

// Resources returns what the state knows.
func (s *Stack) Resources(ctx context.Context) ([]apitype.ResourceV3, error) {
	deployment, _, err := s.export(ctx)
	return deployment.Resources, err
}

// prepare picks up what an interrupted run has left and tells whether the state must be refreshed first.
func (s *Stack) prepare(ctx context.Context) (refresh bool, err error) {
	if err := waitForLocks(ctx, s.options.Dir.State(), s.options.Stack, s.options.Say); err != nil {
		return false, err
	}
	deployment, untyped, err := s.export(ctx)
	if err != nil {
		return false, err
	}
	if len(deployment.Resources) == 0 && len(deployment.PendingOperations) == 0 {
		return false, s.remember()
	}
	stale := true
	switch life := s.inLineWith(); {
	case life == interruptedRun:
		s.options.Say("The last run was interrupted; refreshing the state first.")
	case life != s.options.CloudID:
		// The resources of another life of the cloud are gone, and so is the memory of what was being made.
		s.options.Say("The state was written against a laptop cloud that is gone; refreshing it first.")
	default:
		if stale, err = s.lost(ctx, deployment.Resources); err != nil {
			return false, err
		}
	}
	if interrupted := len(deployment.PendingOperations); interrupted > 0 {
		adopted, err := repair(ctx, &deployment, s.options.Created)
		if err != nil {
			return false, err
		}
		// This run may be interrupted, too: until one has come to its end, each refreshes.
		if err := atomicfile.Write(s.cloudFile(), []byte(interruptedRun), 0o644); err != nil {
			return false, err
		}
		if err := s.write(ctx, deployment, untyped); err != nil {
			return false, err
		}
		s.options.Say("Picked up an interrupted run. Operations left open: %d. Resources they had made: %d.", interrupted, adopted)
		return true, nil
	}
	return stale, nil
}

// lost tells whether something that the state knows was deleted behind Pulumi's back.
func (s *Stack) lost(ctx context.Context, resources []apitype.ResourceV3) (bool, error) {
	if s.options.Lost == nil {
		return false, nil
	}
	what, err := s.options.Lost(ctx, resources)
	if what != "" {
		s.options.Say("%s is gone; refreshing the state first.", what)
	}
	return what != "", err
}

// release takes protection off the state, so that everything can be deleted.
func (s *Stack) release(ctx context.Context) error {
	deployment, untyped, err := s.export(ctx)
	if err != nil {
		return err
	}
	protected, changed := release(&deployment)
	if !changed {
		return nil
	}
	if len(protected) > 0 {
		s.options.Say("Taking the protection off: %s. On a real account these would stay.",
			strings.Join(protected, ", "))
	}
	return s.write(ctx, deployment, untyped)
}

func (s *Stack) export(ctx context.Context) (apitype.DeploymentV3, apitype.UntypedDeployment, error) {
	var deployment apitype.DeploymentV3
	untyped, err := s.stack.Export(ctx)
	if err != nil {
		return deployment, untyped, fmt.Errorf("read the state of stack %s: %w", s.options.Stack, brief(err))
	}
	if err := json.Unmarshal(untyped.Deployment, &deployment); err != nil {
		return deployment, untyped, fmt.Errorf("read the state of stack %s: %w", s.options.Stack, err)
	}
	return deployment, untyped, nil
}

func (s *Stack) write(
	ctx context.Context, deployment apitype.DeploymentV3, untyped apitype.UntypedDeployment,
) (err error) {
	if untyped.Deployment, err = json.Marshal(deployment); err == nil {
		err = s.stack.Import(ctx, untyped)
	}
	if err != nil {
		return fmt.Errorf("write the state of stack %s: %w", s.options.Stack, brief(err))
	}
	return nil
}

// cloudFile keeps the life of the cloud that the state was last brought in line with.
func (s *Stack) cloudFile() string {
	return filepath.Join(s.options.Dir.State(), s.options.Stack+".cloud")
}

// interruptedRun stands in the cloud file when what an interrupted run left was taken in, but not refreshed yet.
const interruptedRun = "interrupted"

// inLineWith is the life of the cloud that the state agrees with, interruptedRun, or "" when that is not known.
func (s *Stack) inLineWith() string {
	data, err := os.ReadFile(s.cloudFile())
	if err != nil {
		return "" // no run has come to its end yet
	}
	return string(data)
}

func (s *Stack) remember() error {
	return atomicfile.Write(s.cloudFile(), []byte(s.options.CloudID), 0o644)
}

// brief shortens an error of the Automation API, whose text repeats the whole output of the command, to what the
// command gave as the reason.
func brief(err error) error {
	text := err.Error()
	head, _, _ := strings.Cut(text, "\n")
	_, reason, _ := strings.Cut(text, "\nstderr: ")
	reason = strings.TrimPrefix(strings.TrimSpace(reason), "error: ")
	if reason == "" {
		reason = head
	}
	return errors.New(reason)
}
