// Package lock has the host's lock for everything that changes the stack.
package lock
