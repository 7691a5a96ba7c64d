// Package compute builds the host: one instance in a public subnet with its role and security group, a separate data
// volume that outlives it, and, when asked for, an address that does, too.
//
// Nothing that changes by itself may replace the host: a new machine image and a changed first-boot script are
// ignored. A replacement that is wanted keeps the data volume.
package compute
