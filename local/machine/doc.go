// Package machine runs the instances of the laptop cloud: containers that behave like virtual machines. Each has systemd
// as its first process, a Docker engine of its own once the stack installs one, volumes that outlive it, an instance
// metadata service, and an address of its own out of 127.0.0.0/8 that stands for its public one.
//
// The types in this file's neighbour api.go are what the rest of the laptop cloud knows of it.
package machine
