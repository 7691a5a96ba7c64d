// Package pulumitest runs Pulumi programs without an engine and records what they register, so that tests can look at
// the requests themselves: inputs, parents, providers and options.
package pulumitest
