//go:build unix

package local

import (
	"errors"
	"syscall"
)

// signalGroup signals every process of the group that pid leads. A group that is gone is fine.
func signalGroup(pid int, kill bool) {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-pid, signal)
}

// alive reports whether a process exists. One of another user exists too.
func alive(pid int) bool {
	if pid <= 0 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
