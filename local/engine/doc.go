// Package engine drives the real Pulumi engine over the stack of the laptop cloud: it finds or builds the command line,
// runs previews and updates through Pulumi's Automation API on the program in the clone's root, and cleans up after an
// interrupted run: locks of dead processes, operations whose outcome was never recorded, and a state that describes a
// laptop cloud that is gone.
package engine
