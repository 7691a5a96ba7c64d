// Package verify holds what must be true of a running stack, phase by phase as the roadmap lists it, and looks whether
// it is. It only reads: AWS's APIs, the document that prints the host's status, names, and the apps as a visitor would.
package verify
