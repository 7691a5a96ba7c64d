// Package metadata answers like EC2's instance metadata service, version 2: a token first, then everything else with
// that token.
package metadata
