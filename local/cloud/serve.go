package cloud

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"webstack/internal/atomicfile"
	"webstack/internal/laptop"
	"webstack/local/engine"
	"webstack/local/provider"
	"webstack/local/workdir"
)

// healthPatience is how long a new control endpoint may take to answer.
const healthPatience = 10 * time.Second

// assembly starts the parts of an account and records in info where they answer.
type assembly func(ctx context.Context, dir workdir.Dir, p *parts, info *Info, journal *provider.Journal) error

// Serve runs the laptop cloud of the clone until ctx ends, somebody stops it through the control endpoint, or a part
// dies; only the last is an error. It logs what it does to log. A clone has one laptop cloud at a time.
func Serve(ctx context.Context, dir workdir.Dir, log io.Writer) error {
	return serve(ctx, dir, log, account)
}

func serve(ctx context.Context, dir workdir.Dir, log io.Writer, assemble assembly) error {
	if info, err := Find(ctx, dir); err == nil {
		return fmt.Errorf("start the laptop cloud: it is already running, as process %d", info.PID)
	} else if !errors.Is(err, laptop.ErrNotRunning) {
		return err
	}
	release, err := workdir.Lock(ctx, filepath.Join(dir.Locks(), "cloud"), func() {
		_, _ = fmt.Fprintln(log, "waiting for another laptop cloud of this clone to stop")
	})
	if err != nil {
		return err
	}
	defer release()

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	info, err := newInfo(dir)
	if err != nil {
		return err
	}
	running, journal := newParts(), provider.NewJournal()
	err = assemble(ctx, dir, running, &info, journal)
	if err == nil {
		control := &control{id: info.ID, journal: journal, stop: stop, engine: info.engine}
		info.Control, err = running.serveHTTP("the control endpoint", control.handler())
	}
	if err == nil {
		err = publish(ctx, dir, info)
	}
	if err == nil {
		_, _ = fmt.Fprintf(log, "the laptop cloud is up: process %d, AWS at %s\n", info.PID, info.AWSEndpoint())
		if info.NoHosts != "" {
			_, _ = fmt.Fprintf(log, "instances do not boot: %s\n", info.NoHosts)
		}
		select {
		case <-ctx.Done():
		case err = <-running.ended:
		}
	}
	_, _ = fmt.Fprintln(log, "the laptop cloud is stopping")
	return errors.Join(err, unpublish(dir), running.stop())
}

func newInfo(dir workdir.Dir) (Info, error) {
	program, err := ProgramSum()
	if err != nil {
		return Info{}, err
	}
	region, err := regionOf(dir)
	if err != nil {
		return Info{}, err
	}
	return Info{
		PID: os.Getpid(), ID: rand.Text(), Program: program, Region: region, Providers: map[string]int{},
		AccessKeyID: "AKIA" + rand.Text()[:16], SecretAccessKey: rand.Text() + rand.Text(), CloudflareToken: rand.Text(),
	}, nil
}

// ProgramSum returns the SHA-256 of the running executable, in hexadecimal. It identifies a build.
func ProgramSum() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's executable: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read this program's executable: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("read this program's executable: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// publish writes the files that tell clients where to connect, once the control endpoint answers.
func publish(ctx context.Context, dir workdir.Dir, info Info) error {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	if err := info.ask(ctx, "GET", "health", nil); err != nil {
		return err
	}
	pulumi, installed := engine.InstalledPulumi(dir)
	env := info.shellEnv(dir, installed, pulumi.HasGo)
	if err := atomicfile.Write(dir.LocalEnv(), []byte(env), 0o600); err != nil {
		return err
	}
	if err := writeJSON(dir.EndpointsFile(), info.Endpoints()); err != nil {
		return err
	}
	return writeJSON(dir.CloudFile(), info)
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write where the laptop cloud answers: %w", err)
	}
	return atomicfile.Write(path, append(data, '\n'), 0o600)
}

func unpublish(dir workdir.Dir) error {
	var problems []error
	for _, path := range []string{dir.CloudFile(), dir.EndpointsFile(), dir.LocalEnv()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			problems = append(problems, fmt.Errorf("remove %s: %w", path, err))
		}
	}
	return errors.Join(problems...)
}
