// Package docker drives the Docker engine of a host through its command, docker, and Compose through docker compose.
// It knows the containers of one Compose project. It works with Docker 20.10 and later, and with Compose 2.26 (Debian 13)
// and 2.40 (Ubuntu 24.04). Secrets are in no argument, and on no disk.
package docker
