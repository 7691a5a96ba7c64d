package machine

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"webstack/local/machine/wire"
)

// Options say what an Engine works with.
type Options struct {
	// Root is the folder of the clone; the agent is compiled from its sources.
	Root string
	// ID identifies this laptop cloud's machines among those of other clones: 1 to 32 of a-z0-9.
	ID string
	// Gateway and Registry return the "host:port" for connections that a machine makes to AWSEndpoint, and to port 443 of
	// the names of registries. They are called for each connection.
	Gateway, Registry func() string
	// Database returns the "host:port" for connections that a machine makes to port 5432 of a DatabaseAddress; "" closes
	// them. If Database is nil, all are closed.
	Database func(address string) string
	// RegistryNames are the host names that lead to Registry, beside "<account>.dkr.ecr.<region>.amazonaws.com".
	RegistryNames []string
	// CA is the certificate, in PEM, of the authority that machines trust in addition to the public ones; nil for none.
	CA []byte
	// Credentials returns the credentials of machines' roles.
	Credentials CredentialSource
	// Step shows that something long begins and returns what to call at its end; nil shows nothing.
	Step func(title string) (done func())
	// Log receives a line about each thing that happens without a call, such as a machine that shut itself down; nil
	// discards them.
	Log io.Writer
}

// AWSEndpoint is where the AWS APIs answer on a machine. Everything that systemd starts on one has it in its environment
// as AWS_ENDPOINT_URL.
const AWSEndpoint = "http://169.254.170.1"

// Databases is how many addresses there are for databases.
const Databases = 254

// DatabaseAddress returns the address at which machines reach a database, number 1 to Databases. Databases listen on
// port 5432.
func DatabaseAddress(number int) string { return wire.DatabaseNetwork + "." + strconv.Itoa(number) }

var validID = regexp.MustCompile(`^[a-z0-9]{1,32}$`)

func (o Options) check() error {
	switch {
	case o.Root == "":
		return errors.New("open the machines: the folder of the clone is missing")
	case !validID.MatchString(o.ID):
		return fmt.Errorf("open the machines: %q is not an id: want 1 to 32 of a-z0-9", o.ID)
	case o.Gateway == nil || o.Registry == nil || o.Credentials == nil:
		return errors.New("open the machines: gateway, registry and credentials must be set")
	}
	return nil
}

func step(show func(string) func(), title string) func() {
	if show == nil {
		return func() {}
	}
	return show(title)
}
