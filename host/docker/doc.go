// Package docker controls the Docker engine of a host with the docker command, and Compose with docker compose. It only
// sees the containers of one Compose project. It works with Docker 20.10 and later, and with Compose 2.26 (Debian 13)
// and 2.40 (Ubuntu 24.04). It never puts secrets into arguments or on a disk.
package docker
