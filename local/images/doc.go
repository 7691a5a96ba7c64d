// Package images makes container images without pulling any: the demo app, compiled from examples/hello, and, if Docker
// Hub cannot be reached, the images that stacks take from there. Caddy is compiled from its Go module, Postgres comes
// from Debian's packages. They behave like Docker Hub's in everything that a stack's Compose file uses. The image of
// Caddy has no shell and no list of public certificate authorities.
package images
