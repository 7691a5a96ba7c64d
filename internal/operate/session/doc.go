// Package session opens sessions of Session Manager on a machine: a shell, or a command. It speaks the protocol by itself,
// so that nothing has to be installed beside AWS credentials.
package session
