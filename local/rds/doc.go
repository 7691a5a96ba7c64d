// Package rds runs the RDS instances of the laptop cloud: each is a container with Postgres on this computer's Docker
// engine, with its data in a volume. As on RDS, the master user is not a superuser but may create roles and databases,
// and nobody can connect without TLS.
//
// Machines and containers on them reach a database at an address of its own, port 5432: see machine.DatabaseAddress.
// All have the major version of the stack's own Postgres, whichever was requested. Snapshots are not kept.
package rds
