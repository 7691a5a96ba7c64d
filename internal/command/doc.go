// Package command is what Webstack's command lines have in common: they run a tree of cobra commands with filtered
// output, show progress, suggest what a typo was meant to be, and end with one of three exit statuses.
package command
