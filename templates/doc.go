// Package templates has the text files that Webstack fills in, each with a typed data struct. It imports only the
// standard library and reads nothing from the environment.
package templates
