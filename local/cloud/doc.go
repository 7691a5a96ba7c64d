// Package cloud is the laptop cloud's long-running process: it starts the parts of the emulated account (the AWS
// emulator and the gateway in front of it, the Cloudflare stand-in, the name server, the resource providers and the Go
// language host), writes to .webstack where they answer, and stops them again. It also has the functions that
// webstack-local uses to start, find and stop that process.
package cloud
