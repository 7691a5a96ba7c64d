// Package verify checks everything that must be true of a running stack, phase by phase. It only reads: AWS APIs, the
// document that prints the host's status, DNS names, and the apps as a visitor sees them.
package verify
