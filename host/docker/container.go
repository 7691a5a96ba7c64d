package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path"
	"slices"
	"strings"

	"webstack/contract"
)

// Labels that Compose puts on its containers.
const (
	projectLabel = "com.docker.compose.project"
	serviceLabel = "com.docker.compose.service"
	oneOffLabel  = "com.docker.compose.oneoff"
	filesLabel   = "com.docker.compose.project.config_files"
)

// Container describes a container.
type Container struct {
	// ID has 64 hexadecimal digits; Name is unique on the host.
	ID, Name string
	// Service is its Compose service, and ComposeFile the path of the file that it was created from.
	Service, ComposeFile string
	// Image is the requested name of its image; ImageID is the ID of the image.
	Image, ImageID string
	// Sum is the value of contract.SumLabel.
	Sum string
	// Status is the Docker status: created, running, paused, restarting, removing, exited or dead.
	Status string
	// StartedAt is when it was last started, in the engine's format.
	StartedAt string
	// Restarts is how often the engine restarted it after it had exited on its own.
	Restarts int
	// ExitCode is its last exit code. OutOfMemory says that the kernel has killed one of its processes because of the
	// memory limit since it was last started.
	ExitCode    int
	OutOfMemory bool
	// Memory is its memory limit in bytes, 0 without one.
	Memory int64
	// Init says that Docker's init is its process 1.
	Init bool
	// PID is the process ID of its first process on the host, 0 if it is not running.
	PID int
	// HealthTest is the command of its health check, as Compose writes it; empty without one.
	HealthTest []string
	// Health is the result of its health check: healthy, unhealthy or starting; "" without a check.
	Health string
	// Ports are the ports published on the host, as ADDRESS:PORT/PROTOCOL, sorted.
	Ports []string
	// Namespace is the path of its network namespace while it runs.
	Namespace string
	// Addresses are its IP addresses by the name of the Compose network, while it runs. Fixed are those that it was
	// created with, and that it gets at every start.
	Addresses, Fixed map[string]string
}

// Running reports whether the container runs: it is neither stopped nor waiting to be restarted.
func (c Container) Running() bool { return c.Status == "running" }

// State describes a container that is not running in a few words.
func (c Container) State() string {
	switch {
	case c.OutOfMemory && !c.Running():
		return fmt.Sprintf("%s, exit code %d, out of memory", c.Status, c.ExitCode)
	case c.Status == "exited" || c.Status == "restarting" || c.Status == "dead":
		return fmt.Sprintf("%s, exit code %d", c.Status, c.ExitCode)
	}
	return c.Status
}

// inspected is the part of `docker inspect` that is read. It does not include environment variables.
type inspected struct {
	ID           string `json:"Id"`
	Name         string
	Image        string
	RestartCount int
	State        struct {
		Status    string
		OOMKilled bool
		ExitCode  int
		StartedAt string
		Pid       int
		Health    struct{ Status string }
	}
	Config struct {
		Image       string
		Labels      map[string]string
		Healthcheck struct{ Test []string }
	}
	HostConfig struct {
		Init   bool
		Memory int64
	}
	NetworkSettings struct {
		SandboxKey string
		Networks   map[string]struct {
			IPAddress  string
			IPAMConfig struct{ IPv4Address string }
		}
		Ports map[string][]struct{ HostIp, HostPort string }
	}
}

// Containers lists all containers of the project, running or not, by name. It leaves out those of `docker compose run`.
func (e *Engine) Containers(ctx context.Context) ([]Container, error) {
	// A container may disappear between the two calls.
	for attempt := 1; ; attempt++ {
		out, err := e.docker(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label="+projectLabel+"="+e.Project)
		if err != nil {
			return nil, fmt.Errorf("list containers: %w", err)
		}
		ids := strings.Fields(string(out))
		if len(ids) == 0 {
			return nil, nil
		}
		all, err := e.inspect(ctx, ids)
		if err == nil {
			return all, nil
		}
		if attempt == 3 || !isMissing(err) {
			return nil, fmt.Errorf("list containers: %w", err)
		}
	}
}

// ProjectDirs returns the sorted parents of the directories of the Compose files that the project's containers were
// created from.
func (e *Engine) ProjectDirs(ctx context.Context) ([]string, error) {
	all, err := e.Containers(ctx)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, c := range all {
		if path.IsAbs(c.ComposeFile) {
			dirs = append(dirs, path.Dir(path.Dir(c.ComposeFile)))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

// Container describes one container of the project by its ID.
func (e *Engine) Container(ctx context.Context, id string) (Container, error) {
	all, err := e.inspect(ctx, []string{id})
	switch {
	case err != nil:
		return Container{}, fmt.Errorf("inspect container %.12s: %w", id, err)
	case len(all) != 1:
		return Container{}, fmt.Errorf("inspect container %.12s: it does not belong to project %s", id, e.Project)
	}
	return all[0], nil
}

func (e *Engine) inspect(ctx context.Context, ids []string) ([]Container, error) {
	out, err := e.docker(ctx, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var list []inspected
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("parse the output of docker inspect: %w", err)
	}
	var all []Container
	for _, i := range list {
		if i.Config.Labels[projectLabel] == e.Project && !strings.EqualFold(i.Config.Labels[oneOffLabel], "true") {
			all = append(all, e.container(i))
		}
	}
	slices.SortFunc(all, func(a, b Container) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (e *Engine) container(i inspected) Container {
	c := Container{
		ID: i.ID, Name: strings.TrimPrefix(i.Name, "/"), Service: i.Config.Labels[serviceLabel],
		ComposeFile: i.Config.Labels[filesLabel],
		Image:       i.Config.Image, ImageID: i.Image, Sum: i.Config.Labels[contract.SumLabel],
		Status: i.State.Status, StartedAt: i.State.StartedAt, Restarts: i.RestartCount,
		ExitCode: i.State.ExitCode, OutOfMemory: i.State.OOMKilled,
		Memory: i.HostConfig.Memory, Init: i.HostConfig.Init, PID: i.State.Pid,
		Health:    i.State.Health.Status,
		Namespace: i.NetworkSettings.SandboxKey, Addresses: map[string]string{}, Fixed: map[string]string{},
	}
	if c.Health == "none" {
		c.Health = ""
	}
	for port, published := range i.NetworkSettings.Ports {
		_, protocol, _ := strings.Cut(port, "/")
		for _, on := range published {
			c.Ports = append(c.Ports, net.JoinHostPort(on.HostIp, on.HostPort)+"/"+protocol)
		}
	}
	slices.Sort(c.Ports)
	if test := i.Config.Healthcheck.Test; len(test) > 0 && test[0] != "NONE" {
		c.HealthTest = test
	}
	for name, network := range i.NetworkSettings.Networks {
		short, ok := strings.CutPrefix(name, e.Project+"_")
		if ok && network.IPAddress != "" {
			c.Addresses[short] = network.IPAddress
		}
		if ok && network.IPAMConfig.IPv4Address != "" {
			c.Fixed[short] = network.IPAMConfig.IPv4Address
		}
	}
	return c
}

// CheckHealth runs a container's own health check once. A container without a check is healthy.
func (e *Engine) CheckHealth(ctx context.Context, c Container) error {
	var args []string
	switch {
	case len(c.HealthTest) == 0:
		return nil
	case c.HealthTest[0] == "CMD":
		args = c.HealthTest[1:]
	case c.HealthTest[0] == "CMD-SHELL" && len(c.HealthTest) == 2:
		args = []string{"/bin/sh", "-c", c.HealthTest[1]}
	default:
		return fmt.Errorf("check the health of %s: unknown kind of check %q", c.Name, c.HealthTest[0])
	}
	_, err := e.Exec(ctx, c.ID, args...)
	return err
}
