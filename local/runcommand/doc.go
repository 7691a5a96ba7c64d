// Package runcommand runs Systems Manager's command documents on a machine of the laptop cloud, as the SSM agent does
// on an EC2 instance: it checks and interpolates parameters, runs the steps in order, and keeps the part of their
// output that Systems Manager keeps. A step that the laptop cloud cannot run fails and says so.
package runcommand
