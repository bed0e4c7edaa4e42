package local

import (
	"errors"
	"fmt"
	"syscall"
)

// hold takes a port of loopback, any free one for 0, until it is freed, for a program that is about to listen there.
// It does not listen itself: Linux gives the port to nobody who asks for a free one, and lets a program listen that
// names it and sets SO_REUSEADDR, as servers do. https://man7.org/linux/man-pages/man7/socket.7.html
func hold(port int) (held int, free func(), err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("hold port %d: %w", port, err)
	}
	loopback := [4]byte{127, 0, 0, 1}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: loopback}),
	)
	if err == nil {
		var at syscall.Sockaddr
		if at, err = syscall.Getsockname(fd); err == nil {
			return at.(*syscall.SockaddrInet4).Port, func() { _ = syscall.Close(fd) }, nil
		}
	}
	return 0, nil, errors.Join(fmt.Errorf("hold port %d: %w", port, err), syscall.Close(fd))
}
