// Package runcommand runs Systems Manager's command documents on a machine of the laptop cloud, as the SSM agent does on
// an EC2 instance: it checks and interpolates parameters, runs the steps in their order, and keeps of their output what
// Systems Manager keeps. What of a document the laptop cloud cannot run is refused by a failed step that says so.
package runcommand
