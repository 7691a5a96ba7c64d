package moto

import "syscall"

// endsWithParent puts moto into a process group of its own, and makes the kernel kill it when this process dies.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
