// Package caddy uses the admin API of a running Caddy, over the Unix socket on the data volume. It reads nothing from
// the environment.
package caddy
