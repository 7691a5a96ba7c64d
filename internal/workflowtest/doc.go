// Package workflowtest reads, lints and runs GitHub Actions workflows in tests. Run executes the shell steps of a job in
// their order, as a runner does; steps that use an action are left to the test.
package workflowtest
