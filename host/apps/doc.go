// Package apps decides which containers run on a host: the base services (Postgres, Caddy), and for each app the one
// container of its release. Visitors do not notice a change of an app: the new container starts next to the old one,
// its health is checked, it gets the requests, and the old one is removed when it has no requests left. A failed switch
// leaves the old container running.
//
// The package compares what runs with what should run; if nothing differs, it changes nothing. It can be killed at any
// point: the next run completes the work. Callers hold the host's lock. It reads nothing from the environment.
package apps
