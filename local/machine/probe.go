package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// probePatience is how long an engine may take to answer.
const probePatience = 20 * time.Second

// Probe checks whether machines can run here. If not, it returns the reason in one line.
func Probe(ctx context.Context) error {
	found, err := lookUp(ctx)
	if err != nil {
		return err
	}
	_, err = chooseBase(ctx, found)
	return err
}

// found is what the engine says about itself.
type found struct {
	OSType        string
	Architecture  string
	CgroupVersion string
	ServerErrors  []string
}

// goArch returns the engine's architecture in Go's words.
func (f found) goArch() (string, error) {
	switch f.Architecture {
	case "x86_64", "amd64":
		return "amd64", nil
	case "aarch64", "arm64":
		return "arm64", nil
	}
	return "", fmt.Errorf("the Docker engine's architecture is %s: want x86_64 or aarch64", f.Architecture)
}

// lookUp asks the engine about itself.
func lookUp(ctx context.Context) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	var f found
	if _, err := exec.LookPath("docker"); err != nil {
		return f, errors.New("there is no docker command on PATH: install Docker")
	}
	text, err := docker(ctx, "info", "--format", "{{json .}}")
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	if err == nil && len(f.ServerErrors) > 0 {
		err = errors.New(f.ServerErrors[0])
	}
	if err != nil {
		return f, fmt.Errorf("the Docker engine cannot be reached; start it, and check that you may use it: %w", err)
	}
	if f.OSType != "linux" {
		return f, fmt.Errorf("the Docker engine runs %s containers: switch it to Linux containers", f.OSType)
	}
	_, err = f.goArch()
	return f, err
}

// capabilities are what systemd and a Docker engine need if a container cannot be privileged.
var capabilities = []string{
	"--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW", "--cap-add", "SYS_PTRACE",
	"--cap-add", "MKNOD", "--cap-add", "SYS_BOOT",
	"--cap-add", "SYSLOG", // the kernel's log says which container ran out of memory
	"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
	"--security-opt", "systempaths=unconfined",
	// Loop devices and their control.
	"--device-cgroup-rule", "b 7:* rwm", "--device-cgroup-rule", "c 10:237 rwm",
}

// chooseRights finds out, with a container that does nothing, how to give machines the rights they need.
func chooseRights(ctx context.Context, f found, image string) ([]string, error) {
	cgroups := []string{"--cgroupns=private"}
	if f.CgroupVersion == "1" {
		// systemd comes up degraded with a namespace of its own there.
		cgroups = []string{"--cgroupns=host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
			"-e", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"}
	}
	var problems []error
	for _, rights := range [][]string{append([]string{"--privileged"}, cgroups...), append(capabilities, cgroups...)} {
		args := append([]string{"run", "--rm", "--network", "none"}, rights...)
		_, err := docker(ctx, append(args, image, "/bin/true")...)
		if err == nil {
			return rights, nil
		}
		problems = append(problems, err)
	}
	return nil, fmt.Errorf("the Docker engine gives containers too few rights for systemd: %w", errors.Join(problems...))
}
