package status

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"webstack/contract"
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
	if c, ok := r.container(contract.PostgresService); ok && c.PID > 0 {
		// The table of the container's own network.
		table, err := os.ReadFile(r.in(filepath.Join("/proc", strconv.Itoa(c.PID), "net/tcp")))
		if err == nil {
			r.sockets = countSockets(table)
		}
	}
	return s
}

// countSockets counts the open connections to Postgres' port in a table of the kernel, by the address at the other end.
func countSockets(table []byte) map[string]int {
	const (
		open       = "01" // established
		received   = "03" // on its way
		port       = ":1538"
		localAt    = 1
		remoteAt   = 2
		stateAt    = 3
		ipv4Length = 4
	)
	counts := map[string]int{}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) <= stateAt || !strings.HasSuffix(fields[localAt], port) ||
			!slices.Contains([]string{open, received}, fields[stateAt]) {
			continue
		}
		address, _, _ := strings.Cut(fields[remoteAt], ":")
		raw, err := hex.DecodeString(address)
		if err != nil || len(raw) != ipv4Length {
			continue
		}
		slices.Reverse(raw) // the kernel prints it as a number in host byte order, which is little-endian
		counts[netip.AddrFrom4([ipv4Length]byte(raw)).String()]++
	}
	return counts
}

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
			s.Sockets += r.sockets[c.Addresses[contract.DatabaseNetwork]]
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
