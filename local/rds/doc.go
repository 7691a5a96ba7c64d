// Package rds runs the database instances of the laptop cloud's RDS: each is a container with Postgres on this computer's
// Docker engine, with its data in a volume. As on RDS, the master user is no superuser but may make roles and databases,
// and nobody gets in without TLS.
//
// A database has an address that machines, and containers on them, reach it at, port 5432: see machine.DatabaseAddress.
// All are of the major version of the stack's own Postgres, whichever was asked for. Of snapshots nothing is kept.
package rds
