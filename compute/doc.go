// Package compute builds the host: one instance in a public subnet with its role and security group, a separate data
// volume that outlives it, and, if configured, an address that also outlives it.
//
// Nothing that changes on its own may replace the host: a new machine image and a changed first-boot script are
// ignored. A new generation, that is, another configured image or another architecture, replaces the host. In any case
// the data volume is kept and moves to the new host.
package compute
