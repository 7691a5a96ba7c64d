// Package gobuild cross-compiles programs for hosts with the go command on PATH. It reads the environment that the go
// command reads, except for what would change the result: the same sources give the same bytes on every machine.
package gobuild
