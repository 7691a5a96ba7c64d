// Package metadata answers as the instance metadata service of EC2 does, version 2: a token first, then everything else
// with that token.
package metadata
