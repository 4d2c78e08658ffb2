package epoll

import (
	"crypto/tls"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/http1"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// conn is one connection and what is under way on it.
type conn struct {
	fd    int32
	index int32 // in Driver.conns
	gen   int32 // tells it from others that had its index
	state connState
	spent bool // ends with the exchange under way
	large bool // its answers are not received early

	origin *origin
	owner  *wire.Owner // nil: of its origin's pool
	next   *conn       // of the owner's or the pool's list
	tls    *tlsConn    // nil: plain

	x      *wire.Exchange // nil: idle
	sent   int            // bytes of x's head and body handed to the kernel or to TLS
	parser http1.Parser

	begun hyperscale.JobTime // of the phase under way: connect, TLS, then first byte
	first hyperscale.JobTime // first byte of the answer
}

type connState uint8

const (
	connecting connState = iota
	securing
	open
	closed
)

// dial opens a socket towards addr. Connecting goes on in the background.
func openSocket(addr netip.AddrPort) (fd int, err error) {
	family, sa := sockaddr(addr)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err = unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func sockaddr(addr netip.AddrPort) (family int, sa unix.Sockaddr) {
	ip := addr.Addr().Unmap()
	if ip.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: ip.As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(addr.Port()), Addr: ip.As16(), ZoneId: dial.ZoneID(ip.Zone())}
}

// send hands b to the kernel. RawSyscall is right here and in recv: the socket
// never blocks.
func send(fd int32, b []byte) (int, syscall.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_NOSIGNAL, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func recv(fd int32, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// send2 hands head and body to the kernel with one call.
func send2(fd int32, head, body []byte) (int, syscall.Errno) {
	iov := [2]unix.Iovec{{Base: &head[0]}, {Base: &body[0]}}
	iov[0].SetLen(len(head))
	iov[1].SetLen(len(body))
	msg := unix.Msghdr{Iov: &iov[0]}
	msg.SetIovlen(2)
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&msg)), unix.MSG_NOSIGNAL)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// connectError is how a connection attempt ended; nil when it is open.
func connectError(fd int32) error {
	n, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if n != 0 {
		return syscall.Errno(n)
	}
	return nil
}

// reset closes fd so that the peer gets a reset and the local port is free at
// once; without it a generator that reconnects often runs out of ports.
func reset(fd int32) {
	_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
	_ = unix.Close(int(fd))
}

// origin is what the driver knows of one place that requests go to.
type origin struct {
	*session.Origin
	idle    *conn // of the shared pool
	names   *dial.Name
	tls     *tls.Config      // nil: not needed yet
	waiting []*wire.Exchange // for the name
	conns   int
}

// is reports whether o is the origin that a request names.
func (o *origin) is(want *session.Origin) bool {
	return o.Origin == want || o.Key == want.Key
}
