// Package langhost is a Pulumi language host for Go programs, served inside the laptop cloud's process and attached by
// PULUMI_DEBUG_LANGUAGES. It does what Pulumi's own host does: it builds the program, runs it with the engine's
// environment, passes on its output, and reports how it ended. It is for computers without an installed Pulumi: the
// command line built from the Go module has no language host.
package langhost
