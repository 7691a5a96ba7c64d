// Package lock owns the one lock of a host that serialises everything that changes the stack.
package lock
