// Package engine drives the real Pulumi engine over the stack of the laptop cloud: it finds or builds the command
// line, runs previews and updates through Pulumi's Automation API on the program in the clone's root, and picks up
// what an interrupted run has left: locks of dead processes, operations whose outcome was never written down, and a
// state that tells of a cloud that is gone.
package engine
