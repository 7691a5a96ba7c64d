// Package ctl is the command line of webstackctl, the host program.
package ctl
