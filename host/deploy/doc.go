// Package deploy puts a release of one app live, or back: it finds the image, runs the app's release command, switches
// without an interruption, and records the release and the deploy in Parameter Store, so that they outlive the host.
//
// It can be killed at any point. Until the release is recorded, the old one stays live; from then on the next deploy or
// converge completes the switch. What a killed deploy has not recorded, Heal records.
package deploy
