// Package proc runs programs on a machine for a caller at the other end of a stream: in a process group of their own,
// with pipes or a terminal, and only while the caller is connected.
package proc
