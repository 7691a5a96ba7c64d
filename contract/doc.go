// Package contract is what the Pulumi program and the host agree on: paths on the host, names in Parameter Store,
// keys in the artifacts bucket and the bundle's manifest. Both sides import it; it imports only the standard library.
package contract
