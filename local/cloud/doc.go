// Package cloud is the laptop cloud's long-running process: it starts the parts of the emulated account (the AWS
// emulator and the gateway before it, the Cloudflare stand-in, the name server, the resource providers and the Go
// language host), says in .webstack where they answer, and stops them again. The functions that the operator's command
// uses to start, find and stop that process are here too.
package cloud
