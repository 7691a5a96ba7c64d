// Package caddy speaks to a running Caddy by its admin API, over the Unix socket on the data volume. It reads nothing from
// the environment.
package caddy
