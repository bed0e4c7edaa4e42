package local

import "syscall"

// ownGroup also asks the kernel to kill the program when we die, however we die: a test that
// is killed must not leave an emulator behind. Its functions then lose the runtime API they
// wait on and end by themselves.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
