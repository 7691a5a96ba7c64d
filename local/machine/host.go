package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"webstack/local/machine/metadata"
	"webstack/local/machine/wire"
)

// host is one machine.
type host struct {
	engine    *Engine
	id        string
	container string
	launched  time.Time
	metadata  *metadata.Handler
	ports     *ports
	changing  chan struct{} // holds a token while nobody changes the machine

	// Guarded by changing.
	removed bool
	link    *supervisor // nil while the machine is meant to be stopped

	mu      sync.Mutex
	spec    Spec
	address string // the public one
	volumes map[string]wire.Volume
	session *wire.Tunnel
}

var (
	validInstance = regexp.MustCompile(`^i-[0-9a-f]{8,32}$`)
	validVolume   = regexp.MustCompile(`^vol-[0-9a-f]{8,32}$`)
)

func (s Spec) check() error {
	if !validInstance.MatchString(s.InstanceID) {
		return fmt.Errorf("boot a machine: %q is not an instance id", s.InstanceID)
	}
	return nil
}

func newHost(e *Engine, spec Spec) *host {
	h := &host{
		engine: e, id: spec.InstanceID, container: e.name(spec.InstanceID), launched: time.Now(), ports: newPorts(e.front, &e.home),
		changing: make(chan struct{}, 1), spec: spec, volumes: map[string]wire.Volume{},
	}
	h.metadata = metadata.New(h, wire.HopLimitHeader)
	h.changing <- struct{}{}
	return h
}

// lock waits until nobody else is changing the machine.
func (h *host) lock(ctx context.Context) error {
	select {
	case <-h.changing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *host) unlock() { h.changing <- struct{}{} }

func (h *host) tell(change func(*Spec)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.spec)
}

// boot creates the container and starts it.
func (h *host) boot(ctx context.Context) error {
	if err := h.lock(ctx); err != nil {
		return err
	}
	defer h.unlock()
	files, err := layout(h.engine.prepared.agent, h.spec, h.engine.options.CA)
	if err != nil {
		return err
	}
	if _, err := docker(ctx, h.create()...); err != nil {
		return err
	}
	if err := h.put(ctx, files); err != nil {
		return err
	}
	return h.start(ctx)
}

// create returns the docker command that creates the container.
func (h *host) create() []string {
	args := []string{
		"create", "--name", h.container, "--label", h.engine.label(),
		"--hostname", "ip-" + strings.ReplaceAll(h.spec.PrivateIP, ".", "-"),
		"--stop-signal", "SIGRTMIN+3", "--env", "container=docker",
		"--tmpfs", "/run", "--tmpfs", "/run/lock",
		"--publish", "127.0.0.1::80/tcp", "--publish", "127.0.0.1::443/tcp", "--publish", "127.0.0.1::443/udp",
		"--mount", h.engine.mount(h.engine.name("volumes"), wire.Volumes),
	}
	for name, path := range h.disks() {
		args = append(args, "--mount", h.engine.mount(name, path))
	}
	for _, name := range h.registries() {
		args = append(args, "--add-host", name+":169.254.170.1")
	}
	args = append(args, h.engine.prepared.rights...)
	return append(args, h.engine.prepared.image, "/lib/systemd/systemd")
}

// disks returns the volumes, by name, that are removed with the machine: a Docker engine's own file systems cannot be
// on a container's.
func (h *host) disks() map[string]string {
	return map[string]string{
		h.container + "-docker": "/var/lib/docker", h.container + "-containerd": "/var/lib/containerd",
	}
}

func (e *Engine) mount(volume, path string) string {
	return "type=volume,source=" + volume + ",target=" + path + ",volume-label=" + e.label()
}

func (h *host) registries() []string {
	own := h.spec.AccountID + ".dkr.ecr." + h.spec.Region + ".amazonaws.com"
	return append([]string{own}, h.engine.options.RegistryNames...)
}

// put unpacks an archive on the machine, which may be stopped.
func (h *host) put(ctx context.Context, files []byte) error {
	_, err := dockerWith(ctx, bytes.NewReader(files), "cp", "-", h.container+":/")
	return err
}

// up reports whether the machine is meant to run, and has not powered itself off.
func (h *host) up() bool {
	if h.link == nil {
		return false
	}
	select {
	case <-h.link.done:
		return false
	default:
		return true
	}
}

// start boots a machine that is stopped.
func (h *host) start(ctx context.Context) error {
	if h.link != nil {
		// It may just have powered itself off.
		state, err := h.state(ctx)
		if err != nil {
			return err
		}
		if state.running && h.up() {
			return nil
		}
		h.link.stop()
		h.link = nil
	}
	if err := h.startContainer(ctx); err != nil {
		return err
	}
	h.link = supervise(h)
	return nil
}

// startContainer tells the machine its volumes, starts it and finds its ports.
func (h *host) startContainer(ctx context.Context) error {
	h.mu.Lock()
	var volumes []wire.Volume
	for _, volume := range h.volumes {
		volumes = append(volumes, volume)
	}
	h.mu.Unlock()
	told, err := orders(volumes)
	if err != nil {
		return err
	}
	if err := h.put(ctx, told); err != nil {
		return err
	}
	if _, err := docker(ctx, "start", h.container); err != nil {
		return err
	}
	published, err := docker(ctx, "port", h.container)
	if err != nil {
		return err
	}
	return h.ports.lead(published)
}

// shutdown is how long a machine may take to shut down before its power goes, in seconds.
const shutdown = "90"

// stop shuts a machine down.
func (h *host) stop(ctx context.Context) error {
	if h.link != nil {
		h.link.stop()
		h.link = nil
	}
	_, err := docker(ctx, "stop", "-t", shutdown, h.container)
	return err
}

// leave ends everything about the machine, and removes it unless somebody else does.
func (h *host) leave(ctx context.Context, remove bool) error {
	if err := h.lock(ctx); err != nil {
		return err
	}
	defer h.unlock()
	h.removed = true
	if h.link != nil {
		h.link.stop()
		h.link = nil
	}
	h.ports.close()
	if !remove {
		return nil
	}
	return h.remove(ctx)
}

// remove removes the container and its volumes.
func (h *host) remove(ctx context.Context) error {
	if _, err := docker(ctx, "rm", "--force", "--volumes", h.container); err != nil && !gone(err) {
		return err
	}
	var problems []error
	for name := range h.disks() {
		if _, err := docker(ctx, "volume", "rm", "--force", name); err != nil && !gone(err) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Instance returns what the metadata service says about the machine.
func (h *host) Instance() metadata.Instance {
	h.mu.Lock()
	defer h.mu.Unlock()
	architecture := "x86_64"
	if arm(h.spec.InstanceType) {
		architecture = "arm64"
	}
	return metadata.Instance{
		InstanceID: h.id, AccountID: h.spec.AccountID, Region: h.spec.Region, AvailabilityZone: h.spec.AvailabilityZone,
		InstanceType: h.spec.InstanceType, ImageID: h.spec.ImageID, Architecture: architecture,
		PrivateIP: h.spec.PrivateIP, PublicIP: h.address, UserData: h.spec.UserData, Launched: h.launched,
		RoleName: h.spec.RoleName,
		Enabled:  h.spec.Metadata.Enabled, TokenRequired: h.spec.Metadata.TokenRequired, HopLimit: h.spec.Metadata.HopLimit,
	}
}

// graviton matches the families of AWS's own processors, such as t4g, m7gd and c8gn.
var graviton = regexp.MustCompile(`^(a1|[a-z]+[0-9]+g[a-z]*)\.`)

func arm(instanceType string) bool { return graviton.MatchString(instanceType) }

// Credentials returns the credentials of the machine's role.
func (h *host) Credentials(ctx context.Context) (metadata.Credentials, error) {
	c, err := h.engine.options.Credentials(ctx, h.id)
	if err != nil {
		return metadata.Credentials{}, err
	}
	return metadata.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, Token: c.Token,
		Updated: time.Now(), Expiration: c.Expiration,
	}, nil
}

// tunnel returns the machine's tunnel; nil while there is none.
func (h *host) tunnel() *wire.Tunnel {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.session
}

const (
	bootPatience = 2 * time.Minute
	bootPoll     = 20 * time.Millisecond
)

// ready waits for the tunnel of a machine that boots.
func (h *host) ready(ctx context.Context) (*wire.Tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, bootPatience)
	defer cancel()
	for {
		if tunnel := h.tunnel(); tunnel != nil {
			return tunnel, nil
		}
		select {
		case <-h.link.done:
			return nil, ErrNotRunning
		case <-ctx.Done():
			return nil, fmt.Errorf("wait until it has booted: %w", ctx.Err())
		case <-time.After(bootPoll):
		}
	}
}
