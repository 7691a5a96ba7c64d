package moto

import "syscall"

// endsWithParent puts moto into a process group of its own that the kernel kills when this process dies.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
