// Package images makes container images without pulling any: the demo app, compiled from examples/hello, and, for
// places where Docker Hub cannot be reached, what stacks take from there. Caddy is compiled from its Go module, Postgres
// comes from Debian's packages. They behave as Docker Hub's do in all that a stack's Compose file uses; beside Caddy
// there is no shell and no list of public certificate authorities.
package images
