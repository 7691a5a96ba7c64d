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
	// CloudID identifies the run of the laptop cloud. A state that was written against another run is refreshed first.
	CloudID string
	// Created asks the laptop cloud what an interrupted run created.
	Created Created
	// Lost names something that is in the state but no longer exists, "" if there is nothing. It is called before a run
	// that would not refresh for another reason; if it names something, the run refreshes. It may be nil.
	Lost func(ctx context.Context, resources []apitype.ResourceV3) (string, error)
	// Say tells the user something worth knowing.
	Say func(format string, args ...any)
	// Watch is called with every event of a run; it may be nil.
	Watch func(events.EngineEvent)
}

// Stack is a stack that can be previewed, brought up and destroyed.
type Stack struct {
	options Options
	stack   auto.Stack
}

// Environment returns what Pulumi needs to find the state of the stack on the laptop cloud.
func Environment(dir workdir.Dir) map[string]string {
	return map[string]string{
		// No metadata: it would be a file beside each file, which is not written atomically. If Pulumi is killed while it
		// writes one, the state cannot be read.
		"PULUMI_BACKEND_URL":                            "file://" + dir.State() + "?metadata=skip",
		"PULUMI_HOME":                                   dir.PulumiHome(),
		"PULUMI_CONFIG_PASSPHRASE":                      Passphrase,
		"PULUMI_SKIP_UPDATE_CHECK":                      "true",
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION":   "true",
		"PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
	}
}

// Open selects the stack, and creates it if it does not exist yet.
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

// create creates the stack and leaves its config file, which is under version control, unchanged.
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

// Up brings the stack in line with the program and returns how many resources were changed, by kind of change.
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

// Preview finds out what Up would change, and changes nothing. Watch is called with each step. If full is not nil,
// Pulumi's own report is written to it, with every property of every resource.
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

// Refresh updates the state to match what exists in the laptop cloud.
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

// Destroy deletes every resource of the stack. On the laptop cloud nothing needs protection: it also deletes what the
// program protects or retains, and says so.
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

// Resources returns the resources in the state.
func (s *Stack) Resources(ctx context.Context) ([]apitype.ResourceV3, error) {
	deployment, _, err := s.export(ctx)
	return deployment.Resources, err
}

// prepare cleans up after an interrupted run and reports whether the state must be refreshed first.
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
		// The resources of another run of the laptop cloud are gone, and so is the record of what was being created.
		s.options.Say("The laptop cloud was restarted since the last run; refreshing the state first.")
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
		// This run may be interrupted, too: until one completes, each run refreshes.
		if err := atomicfile.Write(s.cloudFile(), []byte(interruptedRun), 0o644); err != nil {
			return false, err
		}
		if err := s.write(ctx, deployment, untyped); err != nil {
			return false, err
		}
		s.options.Say("Recovered from an interrupted run: %d unfinished operations, %d created resources adopted.",
			interrupted, adopted)
		return true, nil
	}
	return stale, nil
}

// lost reports whether something in the state was deleted without Pulumi.
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

// release removes the protection from the state, so that everything can be deleted.
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
		s.options.Say("Removing the protection of %s. On AWS these would stay.",
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

// cloudFile keeps the run of the laptop cloud that the state was last brought in line with.
func (s *Stack) cloudFile() string {
	return filepath.Join(s.options.Dir.State(), s.options.Stack+".cloud")
}

// interruptedRun is in the cloud file if the resources of an interrupted run were adopted, but not refreshed yet.
const interruptedRun = "interrupted"

// inLineWith returns the run of the laptop cloud that the state agrees with, interruptedRun, or "" if that is not
// known.
func (s *Stack) inLineWith() string {
	data, err := os.ReadFile(s.cloudFile())
	if err != nil {
		return "" // no run has completed yet
	}
	return string(data)
}

func (s *Stack) remember() error {
	return atomicfile.Write(s.cloudFile(), []byte(s.options.CloudID), 0o644)
}

// brief shortens an error of the Automation API, whose text repeats the whole output of the command, to the reason that
// the command gave.
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
