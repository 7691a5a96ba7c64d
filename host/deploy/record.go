package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"webstack/contract"
	"webstack/host/files"
	"webstack/host/runlog"
)

// recordFile, in an app's directory below contract.DeploysDir, is the record of a deploy that has begun and not ended.
const recordFile = "running.json"

func dir(app string) string { return contract.DeploysDir + "/" + app }

// openLog begins the file from which Watch reads.
func (d *deploy) openLog() error {
	d.ID = runlog.ID(d.ID)
	log, file, err := runlog.Open(d.root, dir(d.App), d.ID)
	if err != nil {
		return err
	}
	d.log, d.out = file, io.MultiWriter(d.Out, log)
	return nil
}

// running is the file of a deploy that has begun and not ended.
type running struct {
	Record contract.Deploy `json:"deploy"`
	// PID is the process that deploys.
	PID int `json:"pid"`
	// Committed is true from the moment when the release parameter is about to get the new release.
	Committed bool `json:"committed"`
}

func (d *deploy) writeRecord() error {
	text, err := json.Marshal(d.running)
	if err != nil {
		return fmt.Errorf("write the record of the deploy: %w", err)
	}
	_, err = files.Write(d.root, dir(d.App)+"/"+recordFile, append(text, '\n'), 0o644)
	return err
}

// readRunning reads the file; false if it is damaged.
func readRunning(text []byte) (r running, ok bool) {
	err := json.Unmarshal(text, &r)
	return r, err == nil && !r.Record.At.IsZero()
}

func (d *deploy) removeRecord() error {
	_, err := files.Remove(d.root, dir(d.App)+"/"+recordFile)
	return err
}

// Running returns the record of a deploy of an app that has begun and not ended, and its process, which may have been
// killed; false without one. stackDir is the stack directory.
func Running(stackDir, app string) (d contract.Deploy, pid int, ok bool) {
	text, err := os.ReadFile(path.Join(stackDir, dir(app), recordFile))
	if err != nil {
		return contract.Deploy{}, 0, false
	}
	r, ok := readRunning(text)
	return r.Record, r.PID, ok
}

// Heal records the deploys that were killed before they could. The caller holds the host's lock, and the apps run what
// their release parameters say. It also forgets apps that are gone.
func Heal(ctx context.Context, root *os.Root, store Parameters, m contract.Manifest) error {
	names, err := files.Names(root, contract.DeploysDir)
	if err != nil {
		return err
	}
	var problems []error
	for _, app := range names {
		if slices.ContainsFunc(m.Apps, func(a contract.ManifestApp) bool { return a.Name == app }) {
			problems = append(problems, heal(ctx, root, store, contract.BasePath(m.Project, m.Stack), app))
			continue
		}
		_, err := files.Remove(root, dir(app))
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// heal records a deploy of an app that was killed, if there is one. It has succeeded if its release was recorded: from
// then on the host runs that release.
func heal(ctx context.Context, root *os.Root, store Parameters, base, app string) error {
	name := dir(app) + "/" + recordFile
	text, err := root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the deploy that was interrupted: %w", err)
	}
	if r, ok := readRunning(text); ok {
		d := r.Record
		live := contract.AppReleaseParam(base, app)
		found, failed, err := store.ByName(ctx, []string{live})
		if err := errors.Join(err, failed[live]); err != nil {
			return err
		}
		d.Result = contract.DeployInterrupted
		d.Error = "it was interrupted before the switch"
		if r.Committed && found[live] == d.Release {
			d.Result, d.Error = contract.DeploySucceeded, ""
		}
		if err := store.Put(ctx, contract.AppDeployParam(base, app), d.Encode()); err != nil {
			return err
		}
	}
	_, err = files.Remove(root, name)
	return err
}

// remember notes the release for the host's status, as a converge does.
func (d *deploy) remember(release string) error {
	text, err := d.root.ReadFile(contract.LastRunPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last run: %w", err)
	}
	last := contract.DecodeLastRun(text)
	if last.Releases == nil {
		last.Releases = map[string]string{}
	}
	last.Releases[d.App] = release
	last.Problems = slices.DeleteFunc(last.Problems, func(p contract.Problem) bool { return p.App == d.App })
	if len(last.Problems) == 0 {
		last.FailedAt = time.Time{}
	}
	_, err = files.Write(d.root, contract.LastRunPath, last.Encode(), 0o644)
	return err
}
