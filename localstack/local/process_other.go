//go:build unix && !linux

package local

import "syscall"

// ownGroup cannot tie the program's life to ours here: after a SIGKILL of this process the
// emulator goes on, and the next start says that its port is taken.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
