// Package cli is the operator's command webstack: it reads arguments, calls the packages that do the work, and shows
// what happens and what to do next. It alone prints; results go to the standard output, problems to the standard error.
package cli
