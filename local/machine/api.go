package machine

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrUnknown means that there is no such machine.
var ErrUnknown = errors.New("no such machine")

// ErrNotRunning means that the machine is stopped or still booting.
var ErrNotRunning = errors.New("the machine is not running")

// StartError is the reason why a program could not be started on a machine.
type StartError struct {
	// Reason is the system's error, such as "fork/exec /bin/sh: not a directory".
	Reason string
}

func (e *StartError) Error() string { return e.Reason }

// Spec is what a machine is booted with.
type Spec struct {
	// InstanceID is EC2's, such as "i-0123456789abcdef0". It names the machine from here on.
	InstanceID string
	// AccountID, Region, AvailabilityZone, InstanceType, ImageID and PrivateIP are what the metadata service answers.
	AccountID, Region, AvailabilityZone, InstanceType, ImageID, PrivateIP string
	// UserData is run at the first boot if it begins with "#!".
	UserData []byte
	// RoleName is the role of the instance profile; "" without one.
	RoleName string
	// Metadata is how the metadata service answers.
	Metadata MetadataOptions
}

// MetadataOptions are EC2's instance metadata options.
type MetadataOptions struct {
	// Enabled is false if the service does not answer.
	Enabled bool
	// TokenRequired is true for IMDSv2 only.
	TokenRequired bool
	// HopLimit is how many hops an answer with a token survives, 1 to 64.
	HopLimit int
}

// Credentials are the credentials of a machine's role, as the metadata service returns them.
type Credentials struct {
	AccessKeyID, SecretAccessKey, Token string
	Expiration                          time.Time
}

// CredentialSource returns the current credentials of a machine.
type CredentialSource func(ctx context.Context, instanceID string) (Credentials, error)

// Command is a program to run on a machine as root, in a process group of its own.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// Files are written before the program starts, with mode 0700; missing folders are created with the same mode. The key
	// is the absolute path. The files stay.
	Files map[string][]byte
	// Env is added to the environment of a system service on the machine.
	Env []string
	// Dir is the working directory; "" is "/".
	Dir string
	// Timeout kills the whole process group with SIGKILL; 0 means no timeout. The end of the context does the same.
	Timeout time.Duration
	// Stdin may be nil.
	Stdin io.Reader
	// Stdout and Stderr receive the output while the program runs; nil discards it.
	Stdout, Stderr io.Writer
}

// Exit is how a command ended.
type Exit struct {
	// Code is the exit code; 128 + the signal's number after a signal.
	Code int
	// TimedOut is true if the Timeout ended it.
	TimedOut bool
}

// Terminal is a program on a machine with a terminal of its own. Read returns its output and ends with io.EOF.
type Terminal interface {
	io.ReadWriteCloser
	// Resize tells the program the size of the window, in characters.
	Resize(rows, cols int) error
	// Wait returns the exit code once the program has ended.
	Wait() (code int, err error)
}

// Machines runs machines. All methods may be called concurrently, and again after a failure.
type Machines interface {
	// Boot creates and starts a machine and returns when its first process is running.
	Boot(ctx context.Context, spec Spec) error
	// Stop shuts down; the machine's files stay. Start boots it again. Reboot is both.
	Stop(ctx context.Context, instanceID string) error
	Start(ctx context.Context, instanceID string) error
	Reboot(ctx context.Context, instanceID string) error
	// Terminate removes a machine and its files, but no attached volume. An unknown one is not an error.
	Terminate(ctx context.Context, instanceID string) error
	// SetMetadata and SetRole change what the metadata service answers, at once.
	SetMetadata(ctx context.Context, instanceID string, options MetadataOptions) error
	SetRole(ctx context.Context, instanceID, roleName string) error
	// Expose makes the machine's ports 80 and 443 answer on the loopback address that stands for its public address, and
	// replaces the previous one; "" removes the address.
	Expose(ctx context.Context, instanceID, address string) error
	// Attach gives a machine a volume as the block device /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol<id>. A
	// volume keeps its content until it is deleted; a larger sizeGiB grows it.
	Attach(ctx context.Context, instanceID, volumeID string, sizeGiB int) error
	Detach(ctx context.Context, instanceID, volumeID string) error
	// DeleteVolume removes a volume's content.
	DeleteVolume(ctx context.Context, volumeID string) error
	// Running reports whether the machine is running and can take commands.
	Running(ctx context.Context, instanceID string) bool
	// Run runs a command and returns how it ended. It returns only once the output is closed, which a background program
	// may hold open. The error is a StartError if the command could not be run, or says that ctx ended it.
	Run(ctx context.Context, instanceID string, command Command) (Exit, error)
	// Open starts a program with a terminal. Stdin, Stdout, Stderr and Timeout of the command are not used.
	Open(ctx context.Context, instanceID string, command Command, rows, cols int) (Terminal, error)
}
