package machine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	nowhere := func() string { return "" }
	good := Options{Root: "/", ID: "abc1", Gateway: nowhere, Registry: nowhere,
		Credentials: func(context.Context, string) (Credentials, error) { return Credentials{}, nil }}
	if err := good.check(); err != nil {
		t.Errorf("good options: %v", err)
	}
	for name, spoil := range map[string]func(*Options){
		"no root": func(o *Options) { o.Root = "" }, "no id": func(o *Options) { o.ID = "" },
		"id with a dash": func(o *Options) { o.ID = "a-b" }, "no gateway": func(o *Options) { o.Gateway = nil },
		"no registry": func(o *Options) { o.Registry = nil }, "no credentials": func(o *Options) { o.Credentials = nil },
	} {
		bad := good
		spoil(&bad)
		if err := bad.check(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	e := &Engine{machines: map[string]*host{}}
	ctx := t.Context()
	const id = "i-0123456789abcdef0"
	_, runErr := e.Run(ctx, id, Command{})
	_, openErr := e.Open(ctx, id, Command{}, 24, 80)
	for name, err := range map[string]error{
		"stop": e.Stop(ctx, id), "start": e.Start(ctx, id), "reboot": e.Reboot(ctx, id), "run": runErr, "open": openErr,
		"metadata": e.SetMetadata(ctx, id, MetadataOptions{}), "role": e.SetRole(ctx, id, ""),
		"expose": e.Expose(ctx, id, "127.77.0.1"), "attach": e.Attach(ctx, id, "vol-01234567", 1),
		"detach": e.Detach(ctx, id, "vol-01234567"),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.Terminate(ctx, id); err != nil {
		t.Errorf("terminate: %v", err)
	}
	if e.Running(ctx, id) || e.Addresses(id) != (Addresses{}) {
		t.Error("an unknown machine runs or has addresses")
	}
	for name, err := range map[string]error{
		"boot with no id of an instance": e.Boot(ctx, Spec{InstanceID: "--privileged"}),
		"expose on a real network":       e.Expose(ctx, id, "10.0.0.1"),
		"attach a path":                  e.Attach(ctx, id, "../vol-01234567", 1),
		"attach without a size":          e.Attach(ctx, id, "vol-01234567", 0),
		"delete a path":                  e.DeleteVolume(ctx, "vol-01234567/../x"),
	} {
		if err == nil || errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stubDocker puts a docker command on PATH that runs a shell script.
func stubDocker(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestProbe(t *testing.T) {
	image := "[ $1 = info ] || exit 0; "
	for name, c := range map[string]struct{ script, want string }{
		"usable":          {image + `echo '{"OSType":"linux","Architecture":"aarch64"}'`, ""},
		"no daemon":       {`echo '{"ServerErrors":["Cannot connect to the Docker daemon"]}'`, "Cannot connect to the Docker daemon"},
		"forbidden":       {`echo 'permission denied while trying to connect' >&2; exit 1`, "permission denied"},
		"Windows":         {image + `echo '{"OSType":"windows","Architecture":"x86_64"}'`, "windows containers"},
		"other processor": {image + `echo '{"OSType":"linux","Architecture":"riscv64"}'`, "riscv64"},
	} {
		t.Run(name, func(t *testing.T) {
			stubDocker(t, c.script)
			err := Probe(t.Context())
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("error is %v, want one line with %q", err, c.want)
			}
		})
	}
	t.Run("no docker", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if err := Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "install Docker") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestRights(t *testing.T) {
	for name, c := range map[string]struct {
		script, version, want, unwanted string
	}{
		"everything":     {"exit 0", "2", "--privileged --cgroupns=private", "--cap-add"},
		"not privileged": {`case "$*" in *--privileged*) exit 1;; esac`, "2", "--cgroupns=private", "--privileged"},
		"old cgroups":    {"exit 0", "1", "--cgroupns=host", "private"},
	} {
		t.Run(name, func(t *testing.T) {
			stubDocker(t, c.script)
			rights, err := chooseRights(t.Context(), found{CgroupVersion: c.version}, "image")
			got := strings.Join(rights, " ")
			if err != nil || !strings.Contains(got, c.want) || strings.Contains(got, c.unwanted) {
				t.Errorf("%s, %v; want %s and no %s", got, err, c.want, c.unwanted)
			}
		})
	}
	stubDocker(t, "echo 'operation not permitted' >&2; exit 1")
	if _, err := chooseRights(t.Context(), found{}, "image"); err == nil || !strings.Contains(err.Error(), "operation not permitted") {
		t.Errorf("error is %v", err)
	}
}
