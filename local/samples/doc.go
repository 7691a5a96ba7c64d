// Package samples makes the apps of a stack on the laptop cloud answer: those without a release get the demo app, the
// host is waited for until it runs what the stack says, and each app is asked as a visitor asks it.
package samples
