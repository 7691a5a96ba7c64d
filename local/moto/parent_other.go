//go:build !linux

package moto

import "syscall"

// endsWithParent puts moto into a process group of its own. Without a parent-death signal, moto may outlive a process
// that was killed; it then holds only memory and a socket.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
