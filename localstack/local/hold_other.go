//go:build !linux

package local

import (
	"net"
	"strconv"
)

// hold finds a port of loopback, any free one for 0. Here it cannot be held for another program: where somebody takes it
// first, that program ends and says so.
func hold(port int) (held int, free func(), err error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, nil, err
	}
	return l.Addr().(*net.TCPAddr).Port, func() {}, l.Close()
}
