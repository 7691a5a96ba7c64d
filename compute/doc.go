// Package compute builds the host: one instance in a public subnet with its role and security group, a separate data
// volume that outlives it, and, when asked for, an address that does, too.
//
// Nothing that changes by itself may replace the host: a new machine image and a changed first-boot script are
// ignored. A host of another generation, by another image that was asked for or another architecture, takes the place
// of the old one. Either way the data volume stays and moves.
package compute
