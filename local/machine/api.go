package machine

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrUnknown says that there is no such machine.
var ErrUnknown = errors.New("no such machine")

// ErrNotRunning says that the machine is stopped, or still boots.
var ErrNotRunning = errors.New("the machine does not run")

// StartError says why a program could not be started on a machine.
type StartError struct {
	// Reason is the system's, such as "fork/exec /bin/sh: not a directory".
	Reason string
}

func (e *StartError) Error() string { return e.Reason }

// Spec is what a machine is booted with.
type Spec struct {
	// InstanceID is EC2's, such as "i-0123456789abcdef0". It names the machine from here on.
	InstanceID string
	// AccountID, Region, AvailabilityZone, InstanceType, ImageID and PrivateIP are what the metadata service answers.
	AccountID, Region, AvailabilityZone, InstanceType, ImageID, PrivateIP string
	// UserData is run at the first boot when it begins with "#!".
	UserData []byte
	// RoleName is the role of the instance profile; "" without one.
	RoleName string
	// Metadata is how the metadata service answers.
	Metadata MetadataOptions
}

// MetadataOptions are EC2's instance metadata options.
type MetadataOptions struct {
	// Enabled is false when the service answers nothing.
	Enabled bool
	// TokenRequired is true for IMDSv2 only.
	TokenRequired bool
	// HopLimit is how many hops the answer with a token survives, 1..64.
	HopLimit int
}

// Credentials are those of a machine's role, as the metadata service gives them out.
type Credentials struct {
	AccessKeyID, SecretAccessKey, Token string
	Expiration                          time.Time
}

// CredentialSource gives the credentials of a machine at the moment they are asked for.
type CredentialSource func(ctx context.Context, instanceID string) (Credentials, error)

// Command is a program to run on a machine as root, in a process group of its own.
type Command struct {
	// Args are the program and its arguments.
	Args []string
	// Files are written before the program starts, with mode 0700, and so are the folders that they lack; the key is the
	// absolute path. They stay.
	Files map[string][]byte
	// Env is added to the environment that a system service has on the machine.
	Env []string
	// Dir is the working directory; "" is "/".
	Dir string
	// Timeout ends the whole process group by SIGKILL; 0 means no timeout. So does the end of the context.
	Timeout time.Duration
	// Stdin may be nil.
	Stdin io.Reader
	// Stdout and Stderr get the output while it is made; nil throws it away.
	Stdout, Stderr io.Writer
}

// Exit is how a command ended.
type Exit struct {
	// Code is the exit code; 128 + the signal's number after a signal.
	Code int
	// TimedOut is true when the Timeout ended it.
	TimedOut bool
}

// Terminal is a program on a machine with a terminal of its own. Read gives its output and ends with io.EOF.
type Terminal interface {
	io.ReadWriteCloser
	// Resize tells the program the size of the window, in characters.
	Resize(rows, cols int) error
	// Wait returns the exit code once the program has ended.
	Wait() (code int, err error)
}

// Machines runs machines. All methods may be called at the same time, and again after a failure.
type Machines interface {
	// Boot creates and starts a machine and returns when its first process runs.
	Boot(ctx context.Context, spec Spec) error
	// Stop shuts down; the machine's files stay. Start boots it again. Reboot is both.
	Stop(ctx context.Context, instanceID string) error
	Start(ctx context.Context, instanceID string) error
	Reboot(ctx context.Context, instanceID string) error
	// Terminate removes a machine and its files, but no attached volume. An unknown one is no error.
	Terminate(ctx context.Context, instanceID string) error
	// SetMetadata and SetRole change what the metadata service answers, at once.
	SetMetadata(ctx context.Context, instanceID string, options MetadataOptions) error
	SetRole(ctx context.Context, instanceID, roleName string) error
	// Expose makes the machine's ports 80 and 443 answer on the loopback address that stands for its public one, in
	// place of the address it had before; "" takes the address away.
	Expose(ctx context.Context, instanceID, address string) error
	// Attach gives a machine a volume as the block device /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol<id>,
	// which a volume keeps its content on for as long as it exists; sizeGiB grows it.
	Attach(ctx context.Context, instanceID, volumeID string, sizeGiB int) error
	Detach(ctx context.Context, instanceID, volumeID string) error
	// DeleteVolume removes a volume's content.
	DeleteVolume(ctx context.Context, volumeID string) error
	// Running tells whether the machine runs and can take commands.
	Running(ctx context.Context, instanceID string) bool
	// Run runs a command and returns how it ended: not before its output is closed, which a program that it left in the
	// background may hold open. An error says that it could not be run, by a StartError, or that ctx ended it.
	Run(ctx context.Context, instanceID string, command Command) (Exit, error)
	// Open starts a program with a terminal. Stdin, Stdout, Stderr and Timeout of the command are not used.
	Open(ctx context.Context, instanceID string, command Command, rows, cols int) (Terminal, error)
}
