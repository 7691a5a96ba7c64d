package machine

import "syscall"

// endsWithParent has the kernel kill a docker command when this process dies, which ends what it does on the machine.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
