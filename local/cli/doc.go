// Package cli is the command of the laptop cloud, webstack-local, which the Makefile calls: it starts and stops the laptop
// cloud, runs Pulumi on it, and shows what exists and what to do next.
package cli
