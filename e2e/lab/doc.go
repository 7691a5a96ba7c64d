// Package lab gives end-to-end tests a clone of the project in a temporary folder, with its own laptop cloud, and ways
// to use it as a person would: with the commands, a plain Pulumi CLI, and AWS and DNS clients.
package lab
