package status

import (
	"context"
	"errors"
	"net/netip"
	"os"

	"webstack/contract"
	"webstack/host/docker"
)

var errNoAddress = errors.New("the Postgres container has no address")

// connections reads what is in use from Postgres, and keeps it for the apps.
func (r *reader) connections(ctx context.Context) *contract.ConnectionStatus {
	usage, err := r.Postgres(ctx, r.manifest)
	if err != nil {
		return nil
	}
	r.usage = &usage
	s := &contract.ConnectionStatus{Limit: usage.Usable, Guarded: r.manifest.ExternalPostgres || r.Guarded(ctx)}
	for name, role := range usage.Roles {
		if name != r.manifest.PostgresUser {
			s.Used += role.Connections
		}
	}
	if c, ok := r.container(contract.PostgresService); ok {
		r.sockets = r.Engine.Connections(c, postgresPort, docker.Established, docker.SynReceived)
	}
	return s
}

// postgresPort is the port of the container.
const postgresPort = 5432

// database returns an app's use of Postgres.
func (r *reader) database(ctx context.Context, app contract.ManifestApp) *contract.DatabaseStatus {
	if r.usage == nil {
		return nil
	}
	role, ok := r.usage.Roles[app.Database]
	if !ok {
		return nil
	}
	s := &contract.DatabaseStatus{Used: role.Connections, Limit: role.Limit, Size: role.Size}
	for _, c := range r.containers {
		if c.Service == app.Name {
			address, _ := netip.ParseAddr(c.Addresses[contract.DatabaseNetwork])
			s.Sockets += r.sockets[address]
		}
	}
	if err := r.connect(ctx, app); err != nil {
		s.Error = err.Error()
	}
	return s
}

// connect opens a connection like the app does.
func (r *reader) connect(ctx context.Context, app contract.ManifestApp) error {
	text, err := os.ReadFile(r.paths().AppEnv(app.Name))
	if err != nil {
		return err
	}
	address := ""
	if !r.manifest.ExternalPostgres {
		c, _ := r.container(contract.PostgresService)
		if address = c.Addresses[contract.DatabaseNetwork]; address == "" {
			return errNoAddress
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.Connect(ctx, contract.Variable(text, "DATABASE_URL"), address)
}

// writtenBy returns how much an app's containers have written, -1 if unknown.
func (r *reader) writtenBy(app string) int64 {
	if r.written == nil {
		return -1
	}
	var sum int64
	for _, c := range r.containers {
		if c.Service == app {
			sum += r.written[c.ID]
		}
	}
	return sum
}
