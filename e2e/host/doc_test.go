// Package host tests parts of the host program on real devices and a real Postgres. Tests that need root, or a program
// that is not installed, say so and are skipped.
package host
