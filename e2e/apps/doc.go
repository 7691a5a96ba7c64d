// Package apps tests how the host program switches apps from one container to the next with what runs on a host: Docker,
// Compose, a Caddy with the rendered Caddyfile, and the demo app. Only the rendered names, ports and paths are other
// ones, so that the tests leave the machine's own containers alone; all ports are published on 127.0.0.1.
package apps
