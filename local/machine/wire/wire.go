// Package wire is the protocol between the laptop cloud and the agent on a machine. They share one connection, the
// tunnel, which carries streams both ways. A stream that the agent opens begins with a line, the Service it asks for,
// and is then the connection to that service. A stream that the laptop cloud opens carries frames, the first of which
// is a Request.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Service is what the agent opens a stream for.
type Service string

// The services that the laptop cloud has for machines.
const (
	// Gateway is the AWS endpoint.
	Gateway Service = "gateway"
	// Registry is TLS for the names of container registries.
	Registry Service = "registry"
	// Metadata is the instance metadata service, in HTTP.
	Metadata Service = "metadata"
)

// DatabaseNetwork is the prefix of the addresses of databases, a network of 256.
const DatabaseNetwork = "169.254.171"

const databasePrefix = "database "

// Database returns the service of the database at an address.
func Database(address string) Service { return databasePrefix + Service(address) }

// Database returns the address of the database that the service is for; ok is false if it is not for a database.
func (s Service) Database() (address string, ok bool) {
	return strings.CutPrefix(string(s), databasePrefix)
}

// HopLimitHeader is set by the metadata service on answers that may live only so many hops. The agent removes it.
const HopLimitHeader = "X-Machine-Hop-Limit"

// Op is the operation of a Request.
type Op string

// What the agent can do. Run and Terminal continue with frames; the others are answered by one Done or Failure.
const (
	Run      Op = "run"
	Terminal Op = "terminal"
	Attach   Op = "attach"
	Detach   Op = "detach"
	Ping     Op = "ping"
	// Listen is answered like the others, and the port stays open until the stream ends. Each Target frame changes where
	// connections go, and is answered in the same way.
	Listen Op = "listen"
)

// Request is the first frame of a stream that the laptop cloud opens.
type Request struct {
	Op Op `json:"op"`
	// Of Run and Terminal.
	Args    []string          `json:"args,omitempty"`
	Files   map[string][]byte `json:"files,omitempty"`
	Env     []string          `json:"env,omitempty"`
	Dir     string            `json:"dir,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`
	HasIn   bool              `json:"hasIn,omitempty"`
	Window  Window            `json:"window,omitzero"`
	// Of Listen: "tcp" or "udp", and "address:port".
	Network string `json:"network,omitempty"`
	Address string `json:"address,omitempty"`
	// Of Attach and Detach.
	Volume Volume `json:"volume,omitzero"`
}

// Window is the size of a terminal in characters.
type Window struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// Volume is a volume that a machine has.
type Volume struct {
	ID      string `json:"id"`
	SizeGiB int    `json:"sizeGiB"`
}

// Config is what the agent reads from the machine's disk, as ConfigFile, when the machine starts.
type Config struct {
	Volumes []Volume `json:"volumes"`
}

// Where things are on a machine.
const (
	// Dir is the folder of the agent and its files.
	Dir = "/usr/local/lib/machine"
	// Program is the agent.
	Program = Dir + "/agent"
	// ConfigFile holds a Config as JSON.
	ConfigFile = Dir + "/config.json"
	// UserData is the program to run at the first boot, if there is one.
	UserData = Dir + "/user-data"
	// Certificate is the certificate of the local authority, if there is one.
	Certificate = "/usr/local/share/ca-certificates/webstack-local.crt"
	// Volumes holds a file for each volume of the laptop cloud.
	Volumes = "/var/lib/machine-volumes"
	// Socket is where the agent waits for the tunnel.
	Socket = "/run/machine/tunnel.sock"
)

// Result is the payload of an Exit frame.
type Result struct {
	Code     int  `json:"code"`
	TimedOut bool `json:"timedOut,omitempty"`
}

// Kind says what a frame contains.
type Kind byte

// The kinds of frames. Start holds a Request, Resize a Window and Exit a Result, all as JSON; Failure holds a message.
// StdinTaken answers each Stdin once the program has read it; at most StdinAhead of them may be unanswered.
const (
	Start Kind = iota + 1
	Stdin
	StdinTaken
	StdinEnd
	Resize
	Stdout
	Stderr
	Exit
	Done
	Failure
	Target
)

// Chunk is how many bytes of input or output a frame carries at most.
const Chunk = 32 << 10

// StdinAhead is how many frames of input may be under way.
const StdinAhead = 8

// maxFrame limits what Read accepts; the files of a Request count.
const maxFrame = 256 << 20

const frameHeader = 5

// Writer writes frames; its methods may be called concurrently.
type Writer struct {
	mu sync.Mutex
	to io.Writer
}

// NewWriter writes frames to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// Write writes one frame.
func (w *Writer) Write(kind Kind, payload []byte) error {
	frame := make([]byte, frameHeader+len(payload))
	frame[0] = byte(kind)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	copy(frame[frameHeader:], payload)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.to.Write(frame)
	return err
}

// WriteJSON writes one frame that contains value as JSON.
func (w *Writer) WriteJSON(kind Kind, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return w.Write(kind, payload)
}

// Stream returns an io.Writer whose output becomes frames of one kind.
func (w *Writer) Stream(kind Kind) io.Writer { return stream{w, kind} }

type stream struct {
	*Writer
	kind Kind
}

func (s stream) Write(data []byte) (written int, err error) {
	for len(data) > 0 {
		n := min(len(data), Chunk)
		if err := s.Writer.Write(s.kind, data[:n]); err != nil {
			return written, err
		}
		written, data = written+n, data[n:]
	}
	return written, nil
}

// Read reads one frame. At the end of r between two frames the error is io.EOF.
func Read(r io.Reader) (Kind, []byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(header[1:])
	if size > maxFrame {
		return 0, nil, fmt.Errorf("read a frame: %d bytes are more than the %d allowed", size, maxFrame)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("read a frame: %w", io.ErrUnexpectedEOF)
	}
	return Kind(header[0]), payload, nil
}
