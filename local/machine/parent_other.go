//go:build !linux

package machine

import "syscall"

// endsWithParent keeps the terminal's signals from a docker command. The command ends with this process, when its input
// ends.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
