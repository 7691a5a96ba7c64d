// Package templates owns the text files that Webstack fills in, one typed data struct beside each. It imports only
// the standard library and reads nothing from the environment.
package templates
