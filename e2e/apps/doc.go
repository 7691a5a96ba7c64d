// Package apps tests how the host program switches apps from one container to the next, with the programs of a host:
// Docker, Compose, a Caddy with the rendered Caddyfile, and the demo app. Only names, ports and paths differ, so that
// the tests leave the computer's own containers alone; all ports are published on 127.0.0.1.
package apps
