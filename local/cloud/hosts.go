package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"webstack/local/authority"
	"webstack/local/engine"
	"webstack/local/gateway"
	"webstack/local/images"
	"webstack/local/machine"
	"webstack/local/rds"
	"webstack/local/registry"
	"webstack/local/workdir"
)

const (
	// hostsSwitch is the environment variable that turns hosts off if it is "off": instances are then only entries in a
	// list, as without a Docker engine.
	hostsSwitch = "WEBSTACK_HOSTS"
	// closing is how long it may take to remove machines and their volumes.
	closing = time.Minute
)

// hosts are the machines of a laptop cloud, or the reason why there are none.
type hosts struct {
	engine    *machine.Engine // nil without
	databases *rds.Engine     // likewise
	reason    string          // one line
	// aws and registries are the ports that machines connect to.
	aws, registries atomic.Int64
	ca              *authority.Authority
	hub             bool // Docker Hub cannot be reached, so its stand-in is used
}

// openHosts opens the machines if that is possible. If it is not, that is not an error.
func openHosts(
	ctx context.Context, dir workdir.Dir, p *parts, credentials machine.CredentialSource, log io.Writer,
) (*hosts, error) {
	h := &hosts{}
	var err error
	if h.ca, err = authority.New("Webstack laptop cloud"); err != nil {
		return nil, err
	}
	if h.reason = hostless(ctx); h.reason != "" {
		return h, nil
	}
	h.hub = !registry.Reachable(ctx, gateway.HubName)
	options := machine.Options{
		Root: string(dir), ID: machinesID(dir), CA: h.ca.PEM(), Credentials: credentials, Log: log,
		Gateway: target(&h.aws), Registry: target(&h.registries),
	}
	if h.hub {
		options.RegistryNames = []string{gateway.HubName}
	}
	databases := openDatabases(dir, h, log)
	options.Database = databases.Target
	if h.engine, err = machine.Open(ctx, options); err != nil {
		h.reason = oneLine(err)
		return h, ctx.Err()
	}
	h.databases = databases
	p.start("the machines", func(ctx context.Context) error {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), closing)
		defer cancel()
		return h.engine.Close(patience)
	})
	return h, nil
}

// machines returns the machines for the gateway: a nil interface without an engine.
func (h *hosts) machines() machine.Machines {
	if h.engine == nil {
		return nil
	}
	return h.engine
}

// openDatabases opens the databases that machines can reach. They don't have to be closed: closing the machines removes
// them.
func openDatabases(dir workdir.Dir, h *hosts, log io.Writer) *rds.Engine {
	step := func(title string) func() {
		_, _ = fmt.Fprintln(log, title)
		return func() {}
	}
	base := func(ctx context.Context) (string, error) { return machine.Image(ctx, step) }
	return rds.New(rds.Options{
		ID: machinesID(dir), Certificate: h.ca.Certificate,
		Image: func(ctx context.Context) (string, error) { return images.Postgres(ctx, dir, h.hub, base, step) },
	})
}

// instancesOfRDS returns the databases for the gateway: a nil interface without an engine.
func (h *hosts) instancesOfRDS() gateway.Databases {
	if h.databases == nil {
		return nil
	}
	return h.databases
}

func target(port *atomic.Int64) func() string {
	return func() string { return net.JoinHostPort(loopback, fmt.Sprint(port.Load())) }
}

// hostless returns the reason why hosts cannot run here, in one line; "" if they can.
func hostless(ctx context.Context) string {
	if os.Getenv(hostsSwitch) == "off" {
		return hostsSwitch + " is off"
	}
	if err := machine.Probe(ctx); err != nil {
		return oneLine(err)
	}
	return ""
}

// NeedsHub reports whether hosts can run here and must get Docker Hub's images from the stand-in.
func NeedsHub(ctx context.Context) bool {
	return hostless(ctx) == "" && !registry.Reachable(ctx, gateway.HubName)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// machinesID identifies the machines of this clone among those of other clones. It is the same in every run of the
// laptop cloud.
func machinesID(dir workdir.Dir) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:6])
}

// Clean removes the machines that a killed laptop cloud of the clone left behind. No laptop cloud of the clone may be
// running.
func Clean(ctx context.Context, dir workdir.Dir) error {
	if err := machine.Remove(ctx, machinesID(dir)); err != nil {
		return fmt.Errorf("remove the machines of an earlier laptop cloud: %w", err)
	}
	return nil
}

// serveRegistries answers machines that ask for a registry, over TLS.
func (h *hosts) serveRegistries(p *parts, g *gateway.Gateway) error {
	port, err := p.serveTLS("the registries", g.Registries(), h.ca.Config(gateway.Registry))
	h.registries.Store(int64(port))
	return err
}

// prepareHosts makes what machines need before the start, which would show no progress. If hosts are not possible, the
// laptop cloud will say so.
func prepareHosts(ctx context.Context, dir workdir.Dir, step engine.Step) error {
	if hostless(ctx) != "" {
		return nil
	}
	if err := machine.Prepare(ctx, string(dir), step); err != nil && ctx.Err() != nil {
		return err
	}
	return nil
}
