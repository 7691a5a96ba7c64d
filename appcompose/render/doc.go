// Package render makes the Compose file, the Caddyfile and the manifest of a stack. It is pure: the same input gives the
// same bytes. It knows the names of secrets, but never their values. Package contract describes what the host adds to the
// files.
package render
