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

// StatusVersion is the version of the format of Status. A reader refuses all other versions.
const StatusVersion = 1

const (
	// MaxOutput is how much of a step's output Run Command keeps, in characters.
	MaxOutput = 24000
	// maxPlainStatus is the maximum length of a status in plain JSON; a longer one is compressed.
	maxPlainStatus = MaxOutput - 1000
	packedPrefix   = "gzip:"
	// maxStatus limits the size of an uncompressed status, in bytes.
	maxStatus = 4 << 20
)

// Status is what the host knows about itself. The document DocStatus prints it. It contains no secrets. Sizes are in
// bytes.
type Status struct {
	Version int `json:"version"`
	// At is when the status was taken, Boot is when the host booted.
	At   time.Time `json:"at"`
	Boot time.Time `json:"boot"`
	// Manifest is the checksum of the last applied manifest, "" before the first.
	Manifest string `json:"manifest"`
	// DataMounted is true when the data volume is mounted.
	DataMounted bool `json:"dataMounted"`
	// Docker is the version of the engine, "" if it does not answer.
	Docker string       `json:"docker"`
	Memory MemoryStatus `json:"memory"`
	Disks  []DiskStatus `json:"disks"`
	// PostgresReady is true if Postgres, on this host or elsewhere, accepts connections.
	PostgresReady bool `json:"postgresReady"`
	// Connections are the connections of all apps together, nil if Postgres does not accept connections.
	Connections *ConnectionStatus `json:"connections,omitempty"`
	// WebGuarded is true if the connections to the web ports are limited before they reach Caddy.
	WebGuarded bool `json:"webGuarded"`
	// Services are the containers that are not apps, such as caddy and postgres.
	Services []ServiceStatus `json:"services"`
	Apps     []AppStatus     `json:"apps"`
	// FailedAt is when the last converge failed, zero if it did not. Problems say why.
	FailedAt time.Time `json:"failedAt,omitzero"`
	Problems []Problem `json:"problems,omitempty"`
	// Authority is the PEM certificate of Caddy's own authority, "" if it has issued nothing.
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
	// Total is the space for programs that do not run as root, Free is how much of it is left.
	Total int64 `json:"total"`
	Free  int64 `json:"free"`
	// Inodes is how many files it can have, InodesFree how many more. Both are 0 if there is no such limit.
	Inodes     int64 `json:"inodes"`
	InodesFree int64 `json:"inodesFree"`
}

// Used returns how much of the disk's space and of its inodes is in use, in percent.
func (d DiskStatus) Used() (space, inodes int) {
	percent := func(free, total int64) int {
		if total <= 0 {
			return 0
		}
		return int(100 - 100*free/total)
	}
	return percent(d.Free, d.Total), percent(d.InodesFree, d.Inodes)
}

// ConnectionStatus is the number of connections to Postgres.
type ConnectionStatus struct {
	// Used is how many authenticated connections the apps hold, Limit is how many they may hold together.
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Guarded is true if connections are limited before they reach Postgres, or if that is not this host's task.
	Guarded bool `json:"guarded"`
}

// Text says how many connections an app holds, its limit, and how many connections are silent.
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

// Silent returns how many of an app's connections have not sent a password.
func (d *DatabaseStatus) Silent() int { return max(d.Sockets-d.Used, 0) }

// DatabaseStatus is an app's use of Postgres.
type DatabaseStatus struct {
	// Error says why a test connection like the app's own failed; "" if it succeeded.
	Error string `json:"error,omitempty"`
	// Used is how many authenticated connections the app holds, Limit is how many it may hold.
	Used  int `json:"used"`
	Limit int `json:"limit"`
	// Sockets is how many connections its containers hold to the Postgres on this host, including those that have not
	// sent a password.
	Sockets int `json:"sockets"`
	// Size is the size of its database.
	Size int64 `json:"size"`
}

// The values of Health.
const (
	HealthHealthy   = "healthy"
	HealthUnhealthy = "unhealthy"
	HealthStarting  = "starting"
	// HealthNone is the health of a container without a health check.
	HealthNone = "none"
)

// ServiceStatus is one container.
type ServiceStatus struct {
	Name string `json:"name"`
	// State is the Docker state, such as running, restarting or exited; "" if there is no container.
	State  string `json:"state"`
	Health string `json:"health"`
	// Since is when it was started.
	Since time.Time `json:"since,omitzero"`
	// Restarts is how often Docker has restarted it automatically.
	Restarts int `json:"restarts"`
	// ExitCode is the exit code of its last run, if it is not running.
	ExitCode int `json:"exitCode,omitempty"`
	// MemoryLimit is its memory limit in bytes, 0 without one. MemoryKills is how often, as far as known, the kernel has
	// killed one of its processes because of that limit.
	MemoryLimit int64 `json:"memoryLimit,omitempty"`
	MemoryKills int   `json:"memoryKills,omitempty"`
	// Ports are the ports published on the host, as ADDRESS:PORT/PROTOCOL.
	Ports []string `json:"ports,omitempty"`
}

// AppStatus is one app and its live container.
type AppStatus struct {
	ServiceStatus
	Domain string `json:"domain"`
	// Release is the tag of the live image, "" before the first deploy.
	Release string `json:"release"`
	// Wanted is the release that the last converge should have started, "" if none. It differs from Release if that
	// failed; Problems then say why.
	Wanted string `json:"wanted,omitempty"`
	// Maintenance is true if visitors get the maintenance page.
	Maintenance bool `json:"maintenance,omitempty"`
	// Restoring is the ID of a restore that is replacing the app's database, or was killed while it did; "" without one.
	Restoring string `json:"restoring,omitempty"`
	// Deploying is the release of a deploy that has begun and not ended, "" without one, and DeployingSince when it began.
	Deploying      string    `json:"deploying,omitempty"`
	DeployingSince time.Time `json:"deployingSince,omitzero"`
	// DeployKilled is true if its process was killed. The next deploy or converge records that.
	DeployKilled bool `json:"deployKilled,omitempty"`
	// Database is nil if Postgres does not accept connections, and for an app that has no database yet.
	Database *DatabaseStatus `json:"database,omitempty"`
	// Written is how much its containers have written to their own file systems, -1 if unknown.
	Written int64 `json:"written"`
	// Certificate is the certificate that Caddy serves for the domain, nil if it has none.
	Certificate *CertificateStatus `json:"certificate,omitempty"`
}

// CertificateStatus is a certificate that visitors get.
type CertificateStatus struct {
	// Own is true if it comes from Parameter Store and not from an authority that Caddy uses.
	Own      bool      `json:"own"`
	Issuer   string    `json:"issuer"`
	NotAfter time.Time `json:"notAfter"`
}

// Encode returns the text of the status in one line: JSON, or compressed if that would not fit into a step's output.
func (s Status) Encode() []byte {
	// A struct of strings, numbers, times and slices of these always encodes without an error.
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

// DecodeStatus decodes what Encode returned.
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
