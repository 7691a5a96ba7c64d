package contract

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Version is the version of the manifest's format. A host refuses all other versions.
const Version = 1

// Limits of a manifest. The program stays far below them.
const (
	// MaxManifestBytes limits the encoded manifest, so that a host can safely read it into memory.
	MaxManifestBytes = 4 << 20
	// MaxFileBytes limits one file of the bundle.
	MaxFileBytes = 256 << 20
	// MaxPathBytes limits File.Path; S3 keys may have 1,024 bytes, a Linux path 4,096.
	MaxPathBytes = 255
)

// Possible modes of a file in the bundle.
const (
	// ModeData is for files that anyone on the host may read.
	ModeData = "0644"
	// ModePrivate is for files that only root may read.
	ModePrivate = "0600"
	// ModeProgram is for programs.
	ModeProgram = "0755"
)

// Manifest describes a bundle: the files of one state of a stack, and what the host must know about it. It contains
// no secrets. Its checksum (see Sum) is the identity of the bundle.
type Manifest struct {
	// Version is the format's Version.
	Version int `json:"version"`
	// Project and Stack are the Pulumi names: 1..100 letters, digits and "_.-".
	Project string `json:"project"`
	Stack   string `json:"stack"`
	// Region is the AWS region of the stack, such as "eu-central-1".
	Region string `json:"region"`
	// StackDir is the absolute directory on the host for the bundle's files.
	StackDir string `json:"stackDir"`
	// ExternalPostgres is true if Postgres is not a container of this stack. Its address is then in the parameter
	// PostgresHostParam.
	ExternalPostgres bool `json:"externalPostgres"`
	// PostgresUser is the superuser, PostgresDefaultDb its database in addition to those of the apps: 1..63 bytes each.
	PostgresUser      string `json:"postgresUser"`
	PostgresDefaultDb string `json:"postgresDefaultDb"`
	// EdgeSubnet is the subnet of the network EdgeNetwork, as ParseEdge accepts it; "" is the constant EdgeSubnet.
	EdgeSubnet string `json:"edgeSubnet,omitempty"`
	// Web limits the connections of visitors. Old bundles have the zero value, which means no limits.
	Web Web `json:"web,omitzero"`
	// Notify says where the host reports failures. Old bundles have the zero value: nowhere.
	Notify Notify `json:"notify,omitzero"`
	// Apps have unique names. Encode sorts them by name.
	Apps []ManifestApp `json:"apps"`
	// Files have unique paths. Encode sorts them by path.
	Files []File `json:"files"`
}

// App returns the app with a name; false without one.
func (m Manifest) App(name string) (app ManifestApp, ok bool) {
	for _, a := range m.Apps {
		if a.Name == name {
			return a, true
		}
	}
	return ManifestApp{}, false
}

// Edge returns the subnet of a valid manifest.
func (m Manifest) Edge() Edge {
	edge, _ := ParseEdge(cmp.Or(m.EdgeSubnet, EdgeSubnet))
	return edge
}

// Web limits the number of simultaneous connections to the web ports.
type Web struct {
	// Connections is the limit for all connections, 1 or more.
	Connections int `json:"connections"`
	// ConnectionsPerAddress is the limit for one IPv4 address or one IPv6 /64 network, 1 or more.
	ConnectionsPerAddress int `json:"connectionsPerAddress"`
	// Proxies are the CIDRs of proxies, for which only the limit of all connections applies, because each proxy serves
	// many visitors.
	Proxies []string `json:"proxies,omitempty"`
}

// Notify says whom the host tells when a deploy, backup, restore or converge fails.
type Notify struct {
	// Slack is true if there is a webhook, in the parameter SlackWebhookParam.
	Slack bool `json:"slack,omitempty"`
	// EmailFrom and EmailTo are the addresses of e-mails sent by Resend, with the key in the parameter ResendKeyParam; both
	// are "" for no e-mails.
	EmailFrom string `json:"emailFrom,omitempty"`
	EmailTo   string `json:"emailTo,omitempty"`
}

// ManifestApp is one app of the stack.
type ManifestApp struct {
	// Name is 1..63 lower-case letters, digits and "-", not beginning or ending with "-".
	Name string `json:"name"`
	// Domain is the lower-case host name of the app.
	Domain string `json:"domain"`
	// Port is the port the app's container listens on, 1..65535.
	Port int `json:"port"`
	// HealthPath is the URL path, beginning with "/", that answers with a 2xx status when the app is healthy.
	HealthPath string `json:"healthPath"`
	// Repository is the image repository without a tag: "<account>.dkr.ecr.<region>.amazonaws.com/<name>".
	Repository string `json:"repository"`
	// Database is the name of the app's database and of the role that owns it, 1..63 bytes (Postgres' limit).
	Database string `json:"database"`
	// MemoryMb limits the memory of the app's container, in MiB, 6 or more (Docker's minimum).
	MemoryMb int `json:"memoryMb"`
	// StartTimeoutSeconds is how long a new container may take until HealthPath answers with a 2xx status, 1 or more.
	StartTimeoutSeconds int `json:"startTimeoutSeconds"`
	// DrainTimeoutSeconds is how long an old container may take to finish its requests, 0 or more.
	DrainTimeoutSeconds int `json:"drainTimeoutSeconds"`
	// StopGraceSeconds is how long it may take to exit after SIGTERM, 1 or more.
	StopGraceSeconds int `json:"stopGraceSeconds"`
	// ReleaseCommand runs once in a release's image before the release gets requests; empty for none.
	ReleaseCommand []string `json:"releaseCommand,omitempty"`
	// ReleaseTimeoutSeconds is how long it may take, 1 or more with a command.
	ReleaseTimeoutSeconds int `json:"releaseTimeoutSeconds,omitempty"`
	// DbConnections is how many connections to Postgres the app may hold, 0..1000; 0 is a share of the remaining ones.
	DbConnections int `json:"dbConnections"`
	// SecureEnv names the environment variables whose values are in the parameters AppEnvParam. Encode sorts them.
	SecureEnv []string `json:"secureEnv"`
}

// File is one file of the bundle.
type File struct {
	// Path is relative to the stack directory: clean, at most MaxPathBytes of letters, digits and "/._-", without
	// "..", and not one of the paths that the host writes itself. The object's key is File.Key.
	Path string `json:"path"`
	// SHA256 is the checksum of the content, 64 lower-case hexadecimal digits.
	SHA256 string `json:"sha256"`
	// Size is the length of the content in bytes, 0..MaxFileBytes.
	Size int64 `json:"size"`
	// Mode is ModeData, ModePrivate or ModeProgram.
	Mode string `json:"mode"`
}

// Key returns the key of the file's object in the artifacts bucket.
func (f File) Key() string { return BundlePrefix + f.Path }

// Sum returns the SHA-256 of b as 64 lower-case hexadecimal digits.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Encode returns the manifest's JSON text. The same manifest gives the same bytes, whatever the order of its apps,
// variables and files. It does not check the manifest: see Validate.
func (m Manifest) Encode() []byte {
	m.Apps = sorted(m.Apps, func(a, b ManifestApp) int { return cmp.Compare(a.Name, b.Name) })
	for i := range m.Apps {
		m.Apps[i].SecureEnv = sorted(m.Apps[i].SecureEnv, cmp.Compare[string])
	}
	m.Files = sorted(m.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	// A struct of strings, numbers and slices of these always encodes without an error.
	_ = enc.Encode(m)
	return out.Bytes()
}

// sorted returns a sorted copy. For a nil s, it is empty, not null, in JSON.
func sorted[E any](s []E, compare func(a, b E) int) []E {
	out := append([]E{}, s...)
	slices.SortStableFunc(out, compare)
	return out
}

// DecodeManifest decodes a manifest and refuses everything that Encode would not write for a valid one: unknown or
// repeated fields, another order or format, text after the object, and everything that Validate refuses.
func DecodeManifest(b []byte) (Manifest, error) {
	if len(b) > MaxManifestBytes {
		return Manifest{}, fmt.Errorf("decode manifest: it has %d bytes, more than the allowed %d", len(b), MaxManifestBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var m Manifest
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("decode manifest: %w", err)
	}
	if err := m.Validate(); err != nil {
		return Manifest{}, fmt.Errorf("decode manifest: %w", err)
	}
	if !bytes.Equal(m.Encode(), b) {
		return Manifest{}, errors.New("decode manifest: it is not in the form that Encode writes")
	}
	return m, nil
}
