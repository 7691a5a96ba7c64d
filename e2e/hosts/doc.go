// Package hosts tests the whole on hosts that boot: documents, apps over TLS, what a host heals, what it keeps apart, and
// what `webstack verify` says about it. The tests of one stack share it, because a host takes a minute to come up; each
// leaves it as it was found.
package hosts
