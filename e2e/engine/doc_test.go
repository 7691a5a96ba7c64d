// Package engine tests the program with the real Pulumi engine on a laptop cloud: what people do with a stack from its
// first `up` to its last `destroy`, and what can go wrong on the way.
package engine
