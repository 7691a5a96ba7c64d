// Package cli is the operator's command webstack. It parses arguments, calls the packages that do the work, and shows
// the result and what to do next. Only this package prints: results to standard output, problems to standard error.
package cli

//go:generate go run ./internal/gen
