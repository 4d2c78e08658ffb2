package dial

import (
	"syscall"

	"golang.org/x/sys/windows"

	"hyperscale/internal/session"
)

// codeOf are the kinds of the system's errors. Windows says that it is out of
// buffers when it is out of ports.
var codeOf = map[syscall.Errno]session.FaultCode{
	windows.WSAECONNREFUSED:           session.ConnectionRefused,
	windows.ERROR_CONNECTION_REFUSED:  session.ConnectionRefused,
	windows.WSAECONNRESET:             session.ConnectionReset,
	windows.WSAECONNABORTED:           session.ConnectionReset,
	windows.ERROR_NETNAME_DELETED:     session.ConnectionReset,
	windows.ERROR_CONNECTION_ABORTED:  session.ConnectionReset,
	windows.WSAETIMEDOUT:              session.ConnectionTimeout,
	windows.ERROR_SEM_TIMEOUT:         session.ConnectionTimeout,
	windows.WSAEADDRNOTAVAIL:          session.NoLocalPort,
	windows.WSAEADDRINUSE:             session.NoLocalPort,
	windows.WSAENOBUFS:                session.NoLocalPort,
	windows.WSAEMFILE:                 session.NoDescriptor,
	windows.ERROR_TOO_MANY_OPEN_FILES: session.NoDescriptor,
	windows.ERROR_NO_SYSTEM_RESOURCES: session.NoDescriptor,
}
