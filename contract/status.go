package contract

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// StatusVersion is the version of the form of Status. A reader refuses every other one.
const StatusVersion = 1

const (
	// MaxOutput is how much of a step's output Run Command keeps, in characters.
	MaxOutput = 24000
	// maxPlainStatus is the length up to which a status is plain JSON; a longer one is packed.
	maxPlainStatus = MaxOutput - 1000
	packedPrefix   = "gzip:"
	// maxStatus bounds what an unpacked status may hold, in bytes.
	maxStatus = 4 << 20
)

// Status is what the host knows of itself; the document DocStatus prints it. It holds no secret. Sizes are in bytes.
type Status struct {
	Version int `json:"version"`
	// At is when it was asked, Boot when the host came up.
	At   time.Time `json:"at"`
	Boot time.Time `json:"boot"`
	// Manifest is the sum of the manifest that was applied last, "" before the first.
	Manifest string `json:"manifest"`
	// DataMounted is true when the data volume is mounted.
	DataMounted bool `json:"dataMounted"`
	// Docker is the version of the engine, "" when it does not answer.
	Docker string       `json:"docker"`
	Memory MemoryStatus `json:"memory"`
	Disks  []DiskStatus `json:"disks"`
	// PostgresReady is true when Postgres, on this host or elsewhere, takes connections.
	PostgresReady bool `json:"postgresReady"`
	// Connections is what Postgres has for all apps together, nil when it takes no connection.
	Connections *ConnectionStatus `json:"connections,omitempty"`
	// WebGuarded is true when the connections to the web ports are bounded before Caddy sees them.
	WebGuarded bool `json:"webGuarded"`
	// Services are the containers beside the apps', such as caddy and postgres.
	Services []ServiceStatus `json:"services"`
	Apps     []AppStatus     `json:"apps"`
	// FailedAt is when the last converge failed, zero when it did not, and Problems say why.
	FailedAt time.Time `json:"failedAt,omitzero"`
	Problems []Problem `json:"problems,omitempty"`
	// Authority is the PEM certificate of Caddy's own authority, "" when it has issued nothing.
	Authority string `json:"authority,omitempty"`
}

// MemoryStatus is the host's memory.
type MemoryStatus struct {
	Total     int64 `json:"total"`
	Available int64 `json:"available"`
	SwapTotal int64 `json:"swapTotal"`
	SwapFree  int64 `json:"swapFree"`
}

// DiskStatus is one file system.
type DiskStatus struct {
	Path string `json:"path"`
	// Total is how much programs that are not root's can have of it, Free how much of that is left.
	Total int64 `json:"total"`
	Free  int64 `json:"free"`
	// Inodes is how many files it can hold, InodesFree how many more; both are 0 where there is no such limit.
	Inodes     int64 `json:"inodes"`
	InodesFree int64 `json:"inodesFree"`
}

// Used is how much of the disk's space and of its inodes is in use, in percent.
func (d DiskStatus) Used() (space, inodes int) {
	percent := func(free, total int64) int {
		if total <= 0 {
			return 0
		}
		return int(100 - 100*free/total)
	}
	return percent(d.Free, d.Total), percent(d.InodesFree, d.Inodes)
}

// ConnectionStatus is how many connections to Postgres there are.
type ConnectionStatus struct {
	// Used is how many the apps hold with a password, Limit how many they may hold together.
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Guarded is true when connections are bounded before Postgres sees them, and where that is not for this host to do.
	Guarded bool `json:"guarded"`
}

// Text says how many connections an app holds of those that it may hold, and names those that are silent.
func (d *DatabaseStatus) Text() string {
	if d == nil {
		return "-"
	}
	text := fmt.Sprintf("%d of %d", d.Used, d.Limit)
	if silent := d.Silent(); silent > 0 {
		text += fmt.Sprintf(" (+ %d silent)", silent)
	}
	return text
}

// Silent is how many of an app's connections have not given a password.
func (d *DatabaseStatus) Silent() int { return max(d.Sockets-d.Used, 0) }

// DatabaseStatus is an app's part of Postgres.
type DatabaseStatus struct {
	// Error says why the app cannot connect, by a connection made as it does; "" when it can.
	Error string `json:"error,omitempty"`
	// Used is how many connections the app holds with its password, Limit how many it may hold.
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Sockets is how many connections its containers hold to the Postgres on this host, those included that have not given
	// a password.
	Sockets int `json:"sockets"`
	// Size is that of its database.
	Size int64 `json:"size"`
}

// The values of Health.
const (
	HealthHealthy   = "healthy"
	HealthUnhealthy = "unhealthy"
	HealthStarting  = "starting"
	// HealthNone is that of a container without a health check.
	HealthNone = "none"
)

// ServiceStatus is one container.
type ServiceStatus struct {
	Name string `json:"name"`
	// State is Docker's, such as running, restarting or exited; "" when there is no container.
	State  string `json:"state"`
	Health string `json:"health"`
	// Since is when it was started.
	Since time.Time `json:"since,omitzero"`
	// Restarts is how often Docker has started it anew by itself.
	Restarts int `json:"restarts"`
	// ExitCode is that of its last end, when it does not run.
	ExitCode int `json:"exitCode,omitempty"`
	// MemoryLimit is its memory limit in bytes, 0 without one. MemoryKills is how often the kernel has killed one of its
	// processes for that limit, as far as is known.
	MemoryLimit int64 `json:"memoryLimit,omitempty"`
	MemoryKills int   `json:"memoryKills,omitempty"`
	// Ports are those published on the host, as ADDRESS:PORT/PROTOCOL.
	Ports []string `json:"ports,omitempty"`
}

// AppStatus is one app and its live container.
type AppStatus struct {
	ServiceStatus
	Domain string `json:"domain"`
	// Release is the tag of the live image, "" before the first deploy.
	Release string `json:"release"`
	// Wanted is the release that the last converge was to bring about, "" when there was none. It differs from Release
	// when that failed; Problems then say why.
	Wanted string `json:"wanted,omitempty"`
	// Database is nil when Postgres takes no connection, and for an app that has no database yet.
	Database *DatabaseStatus `json:"database,omitempty"`
	// Written is what its containers have written to their own file systems, -1 when that is not known.
	Written int64 `json:"written"`
	// Certificate is what Caddy shows for the domain, nil when it has none.
	Certificate *CertificateStatus `json:"certificate,omitempty"`
}

// CertificateStatus is a certificate that visitors get.
type CertificateStatus struct {
	// Own is true when it comes from Parameter Store and not from an authority that Caddy asked.
	Own      bool      `json:"own"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"notAfter"`
}

// Encode gives the text of the status, one line: JSON, or packed where that would not fit into a step's output.
func (s Status) Encode() []byte {
	// A struct of strings, numbers, times and slices of such always encodes into memory.
	plain, _ := json.Marshal(s)
	if len(plain) <= maxPlainStatus {
		return plain
	}
	var packed bytes.Buffer
	packed.WriteString(packedPrefix)
	text := base64.NewEncoder(base64.StdEncoding, &packed)
	zip := gzip.NewWriter(text)
	_, _ = zip.Write(plain)
	_ = zip.Close()
	_ = text.Close()
	return packed.Bytes()
}

// DecodeStatus reads what Encode wrote.
func DecodeStatus(text string) (Status, error) {
	text = strings.TrimSpace(text)
	var in io.Reader = strings.NewReader(text)
	if packed, ok := strings.CutPrefix(text, packedPrefix); ok {
		zip, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
		if err != nil {
			return Status{}, fmt.Errorf("unpack the host's status: %w", err)
		}
		in = zip
	}
	plain, err := io.ReadAll(io.LimitReader(in, maxStatus+1))
	if err != nil {
		return Status{}, fmt.Errorf("unpack the host's status: %w", err)
	}
	if len(plain) > maxStatus {
		return Status{}, errors.New("read the host's status: it is too long")
	}
	var s Status
	if err := json.Unmarshal(plain, &s); err != nil {
		return Status{}, fmt.Errorf("read the host's status: %w", err)
	}
	if s.Version != StatusVersion {
		return Status{}, fmt.Errorf("read the host's status: its version is %d, not %d; run pulumi up, or use the "+
			"webstack of the release that the stack runs", s.Version, StatusVersion)
	}
	return s, nil
}
