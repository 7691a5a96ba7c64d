package machine

import "syscall"

// endsWithParent makes the kernel kill a docker command when this process dies, which ends its work on the machine.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
