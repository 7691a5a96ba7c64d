//go:build !linux

package moto

import "syscall"

// endsWithParent puts moto into a process group of its own. Without a parent-death signal a moto may outlive a process
// that was killed; it keeps nothing but memory and a port.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
