// Package lab gives tests of the whole a clone of the project in a temporary folder, with its own laptop cloud, and
// ways to use it as a person would: by the webstack command, by a plain Pulumi CLI, and by the AWS and DNS clients.
package lab
