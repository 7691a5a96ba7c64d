// Package hosts tests whole stacks on hosts that boot: documents, apps over TLS, what a host repairs, what it keeps
// apart, and what `webstack verify` says about it. The tests of one stack share it, because a host takes a minute to
// come up; each leaves it as it found it.
package hosts
