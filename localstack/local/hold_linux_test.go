package local

import (
	"errors"
	"syscall"
	"testing"
)

// portRange makes a socket ask for free ports within bounds only, since Linux 6.3.
// https://man7.org/linux/man-pages/man2/IP_LOCAL_PORT_RANGE.2const.html
const portRange = 51

// anyOf asks for a free port of which only one is left to choose.
func anyOf(t *testing.T, port int) error {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil { // as net.Listen
		t.Fatal(err)
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, portRange, port<<16|port); err != nil {
		t.Skipf("this kernel lets nobody choose the range: %v", err)
	}
	return syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
}

// Two worlds that start at once have two ports, and each emulator can listen at its own.
func TestAHeldPortIsGivenToNobodyAndCanBeListenedAt(t *testing.T) {
	t.Parallel()
	port, free, err := hold(0)
	if err != nil {
		t.Fatal(err)
	}
	defer free()
	if err := anyOf(t, port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("somebody else was given the port: %v", err)
	}
	l, err := listen("emulator", port)
	if err != nil {
		t.Fatalf("whom it is held for cannot listen: %v", err)
	}
	defer func() { _ = l.Close() }()
	if _, _, err := hold(port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port at which another world listens is held: %v", err)
	}
}
