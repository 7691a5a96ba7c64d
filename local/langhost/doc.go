// Package langhost is a Pulumi language host for Go programs, served inside the laptop cloud's process and attached
// by PULUMI_DEBUG_LANGUAGES. It does what Pulumi's own host does: it builds the program, runs it with what the
// engine hands down in its environment, passes its output on, and reports how it ended. It is for machines that have
// no Pulumi installed; the command line that is built from the Go module brings no language host along.
package langhost
