//go:build !windows

package dial

import (
	"syscall"

	"hyperscale/internal/session"
)

// codeOf are the kinds of the system's errors.
var codeOf = map[syscall.Errno]session.FaultCode{
	syscall.ECONNREFUSED:  session.ConnectionRefused,
	syscall.ECONNRESET:    session.ConnectionReset,
	syscall.ECONNABORTED:  session.ConnectionReset,
	syscall.EPIPE:         session.ConnectionReset, // it was reset before, or it is not read any more
	syscall.ETIMEDOUT:     session.ConnectionTimeout,
	syscall.EADDRNOTAVAIL: session.NoLocalPort,
	syscall.EADDRINUSE:    session.NoLocalPort,
	syscall.EMFILE:        session.NoDescriptor,
	syscall.ENFILE:        session.NoDescriptor,
}
