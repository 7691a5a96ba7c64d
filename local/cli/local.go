package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"webstack/internal/command"
	"webstack/internal/laptop"
	"webstack/internal/preview"
	"webstack/internal/stackfile"
	"webstack/local/cloud"
	"webstack/local/engine"
	"webstack/local/langhost"
	"webstack/local/moto"
	"webstack/local/workdir"
)

// local is what the commands of webstack-local work with.
type local struct {
	// callDir is the folder the command was called in, and dir the root of its clone.
	callDir string
	dir     workdir.Dir
	// out shows control characters, raw passes them.
	out, raw io.Writer
	progress *command.Progress
	force    bool
	// full asks for Pulumi's own preview.
	full bool
}

// up brings up the laptop cloud and the stack.
func (l *local) up(ctx context.Context) error {
	if err := l.checkConfig(); err != nil {
		return err
	}
	return l.exclusively(ctx, func() error {
		info, err := l.startCloud(ctx)
		if err != nil {
			return err
		}
		if err := l.fillHub(ctx, info); err != nil {
			return err
		}
		pulumi, err := l.buildProgram(ctx)
		if err != nil {
			return err
		}
		watcher, stop := watch(l.progress, "Bringing up stack "+laptop.Stack)
		stack, err := l.open(ctx, info, pulumi, watcher.event)
		if err != nil {
			stop()
			return err
		}
		changes, err := stack.Up(ctx)
		stop()
		if err != nil {
			return upFailed(err)
		}
		outputs, err := stack.Outputs(ctx)
		if err != nil {
			return err
		}
		if err := l.bringUpApps(ctx, info, outputs, changes); err != nil {
			return fmt.Errorf("%w\n\nthe stack is up, but not all of it answers; fix the cause and run make up again", err)
		}
		return l.summary(ctx, stack, info, changesText(changes))
	})
}

// upFailed adds what to do next to the error of a run.
func upFailed(err error) error {
	run := (*engine.RunError)(nil)
	if errors.As(err, &run) && run.Done > 0 {
		return fmt.Errorf("%w\n\nthe %d resources that were changed stay; fix the cause and run make up again", err, run.Done)
	}
	return err
}

// checkConfig reports all problems of the stack file before anything is started. Pulumi itself would stop at the first
// problem and name neither the file nor the path.
func (l *local) checkConfig() error {
	return stackfile.Check(string(l.dir), laptop.Stack, engine.Passphrase)
}

// build builds what up needs and starts nothing.
func (l *local) build(ctx context.Context) error {
	return l.exclusively(ctx, func() error {
		if err := cloud.Prepare(ctx, l.dir, l.progress.Step); err != nil {
			return err
		}
		if cloud.NeedsHub(ctx) {
			if _, err := l.makeHub(ctx); err != nil {
				return err
			}
		}
		_, err := l.buildProgram(ctx)
		return err
	})
}

// preview shows what up would change.
func (l *local) preview(ctx context.Context) error {
	if err := l.checkConfig(); err != nil {
		return err
	}
	return l.exclusively(ctx, func() error {
		info, err := l.startCloud(ctx)
		if err != nil {
			return err
		}
		pulumi, err := l.buildProgram(ctx)
		if err != nil {
			return err
		}
		var report preview.Report
		stack, err := l.open(ctx, info, pulumi, func(event events.EngineEvent) { report.Add(event.EngineEvent) })
		if err != nil {
			return err
		}
		return l.showPreview(ctx, stack, &report)
	})
}

// showPreview runs a preview and prints the report of its events, or with --full Pulumi's own.
func (l *local) showPreview(ctx context.Context, stack *engine.Stack, report *preview.Report) error {
	var full bytes.Buffer
	out := io.Writer(nil)
	if l.full {
		out = &full
	}
	done := l.progress.Step("Comparing stack " + laptop.Stack + " with its config")
	_, err := stack.Preview(ctx, out)
	done()
	if err != nil {
		return err
	}
	text := report.Text()
	if l.full {
		text = full.String()
	}
	next := ""
	if report.Changes() {
		next = " To apply the changes, run make up."
		if !l.full {
			next += " To see every property, run .webstack/bin/webstack-local preview --full."
		}
	}
	_, err = fmt.Fprintf(l.out, "\n%s%s.%s\n", text, report.Headline(), next)
	return err
}

// refresh updates the state to match what really exists.
func (l *local) refresh(ctx context.Context) error {
	return l.exclusively(ctx, func() error {
		info, err := cloud.Find(ctx, l.dir)
		if err != nil {
			return err
		}
		changes, err := l.watched(ctx, info, "Refreshing", (*engine.Stack).Refresh)
		if err == nil {
			l.progress.Say("%s. To restore what differs, run make up.", changes)
		}
		return err
	})
}

// destroyStack deletes everything that the stack created.
func (l *local) destroyStack(ctx context.Context) error {
	return l.exclusively(ctx, func() error {
		info, err := cloud.Find(ctx, l.dir)
		if err != nil {
			return err
		}
		return l.destroy(ctx, info)
	})
}

// stop ends the laptop cloud.
func (l *local) stop(ctx context.Context) error {
	info, err := cloud.Find(ctx, l.dir)
	if errors.Is(err, laptop.ErrNotRunning) {
		l.progress.Say("The laptop cloud is not running.")
		return cloud.Clean(ctx, l.dir) // it may have been killed
	}
	if err != nil {
		return err
	}
	defer l.progress.Step("Stopping the laptop cloud")()
	return info.Stop(ctx)
}

// down removes everything again.
func (l *local) down(ctx context.Context) error {
	return l.exclusively(ctx, func() error {
		info, err := cloud.Find(ctx, l.dir)
		if err == nil && !l.force {
			if err := l.destroy(ctx, info); err != nil {
				return fmt.Errorf("%w\n\nto stop and remove it anyway, run .webstack/bin/webstack-local down --force", err)
			}
		}
		if err := l.stop(ctx); err != nil {
			return err
		}
		moto.RemoveLeftovers()
		if err := l.dir.Forget(); err != nil {
			return err
		}
		l.progress.Say("Removed the state, the settings and local.env. Built tools are kept in %s.", l.dir.Bin())
		return nil
	})
}

func (l *local) destroy(ctx context.Context, info cloud.Info) error {
	if _, err := os.Stat(l.dir.State()); errors.Is(err, os.ErrNotExist) {
		return nil // no run has created the stack yet
	}
	changes, err := l.watched(ctx, info, "Destroying", (*engine.Stack).Destroy)
	if err == nil {
		l.progress.Say("%s.", changes)
	}
	return err
}

// watched does something to the stack, shows its progress, and returns what it changed, in words.
func (l *local) watched(
	ctx context.Context, info cloud.Info, doing string,
	do func(*engine.Stack, context.Context) (map[apitype.OpType]int, error),
) (string, error) {
	pulumi, err := engine.FindPulumi(ctx, l.dir, l.progress.Step)
	if err != nil {
		return "", err
	}
	watcher, stop := watch(l.progress, doing+" stack "+laptop.Stack)
	defer stop()
	stack, err := l.open(ctx, info, pulumi, watcher.event)
	if err != nil {
		return "", err
	}
	changes, err := do(stack, ctx)
	return changesText(changes), err
}

// status shows what is running.
func (l *local) status(ctx context.Context) error {
	info, err := cloud.Find(ctx, l.dir)
	if err != nil {
		return err
	}
	pulumi, err := engine.FindPulumi(ctx, l.dir, l.progress.Step)
	if err != nil {
		return err
	}
	stack, err := l.open(ctx, info, pulumi, nil)
	if err != nil {
		return err
	}
	return l.summary(ctx, stack, info, fmt.Sprintf("The laptop cloud is running as process %d", info.PID))
}

// serve runs the laptop cloud itself.
func (l *local) serve(ctx context.Context) error { return cloud.Serve(ctx, l.dir, l.out) }

// exclusively runs do while no other command of this clone changes anything.
func (l *local) exclusively(ctx context.Context, do func() error) error {
	release, err := workdir.Lock(ctx, filepath.Join(l.dir.Locks(), "command"), func() {
		l.progress.Say("Waiting for another webstack-local command of this clone to finish …")
	})
	if err != nil {
		return err
	}
	defer release()
	return do()
}

// startCloud returns the running laptop cloud, and starts one if there is none.
func (l *local) startCloud(ctx context.Context) (cloud.Info, error) {
	info, err := cloud.Find(ctx, l.dir)
	if err == nil {
		if sum, err := cloud.ProgramSum(); err == nil && sum != info.Program {
			l.progress.Say("The running laptop cloud is another build of webstack-local. To use this one, run make down up.")
		}
		return info, nil
	}
	if !errors.Is(err, laptop.ErrNotRunning) {
		return info, err
	}
	if err := cloud.Prepare(ctx, l.dir, l.progress.Step); err != nil {
		return info, err
	}
	program, err := os.Executable()
	if err != nil {
		return info, fmt.Errorf("find this program's executable: %w", err)
	}
	done := l.progress.Step("Starting the laptop cloud")
	defer done()
	return cloud.Start(ctx, l.dir, program, "serve")
}

// buildProgram builds what a run needs and does not exist yet: the Pulumi command line and the program.
func (l *local) buildProgram(ctx context.Context) (engine.Pulumi, error) {
	pulumi, err := engine.FindPulumi(ctx, l.dir, l.progress.Step)
	if err != nil {
		return pulumi, err
	}
	return pulumi, l.compile(ctx)
}

// compile compiles the program before the engine does, because the engine would show no progress.
func (l *local) compile(ctx context.Context) error {
	done := l.progress.Step("Compiling the Pulumi program (a few minutes the first time, seconds after that)")
	defer done()
	_, release, err := langhost.Build(ctx, string(l.dir), l.dir.Build())
	if err != nil {
		return err
	}
	release()
	return nil
}

func (l *local) open(
	ctx context.Context, info cloud.Info, pulumi engine.Pulumi, watch func(events.EngineEvent),
) (*engine.Stack, error) {
	return engine.Open(ctx, engine.Options{
		Dir: l.dir, Stack: laptop.Stack, Pulumi: pulumi, Env: info.EngineEnv(pulumi.HasGo),
		CloudID: info.ID, Created: info.Created, Say: l.progress.Say, Watch: watch,
		Lost: func(ctx context.Context, resources []apitype.ResourceV3) (string, error) {
			return lostHost(ctx, info, resources)
		},
	})
}
