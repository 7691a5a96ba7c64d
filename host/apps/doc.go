// Package apps decides which containers run on a host: the base services (Postgres, Caddy), and for each app the one
// container of its release. A change of an app is a switch that its visitors do not notice: the new container starts
// beside the old one, is asked for its health, gets the requests, and the old one goes when it has no request left. A
// failed switch leaves the old container where it was.
//
// What runs is compared with what should run; where nothing differs, nothing is changed. Everything can be killed at any
// point: the next run makes up for it. Callers hold the host's lock. The package reads nothing from the environment.
package apps
