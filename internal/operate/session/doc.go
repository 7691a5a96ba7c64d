// Package session opens Session Manager sessions on a host: a shell or a command. It implements the protocol itself, so
// that nothing needs to be installed; AWS credentials are enough.
package session
