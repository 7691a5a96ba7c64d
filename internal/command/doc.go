// Package command is what Webstack's command-line programs share: they run a tree of cobra commands with filtered
// output, show progress, suggest corrections for typos, and exit with one of three statuses.
package command
