// Package database runs the shared Postgres as an RDS instance in the private-db subnets, for stacks that outgrow the
// container on the host.
package database
