// Package samples makes the apps of a stack on the laptop cloud answer: it releases the demo app for those without a
// release, waits until the host has applied the stack, and requests each app as a visitor does.
package samples
