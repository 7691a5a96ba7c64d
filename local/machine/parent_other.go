//go:build !linux

package machine

import "syscall"

// endsWithParent keeps signals of the terminal from a docker command. It ends with this process by the end of its input.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
