package epoll

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many events one wait takes in. It bounds how long due slots wait
// for their turn behind answers.
const batch = 64

// Poller waits for sockets. It belongs to the thread that made it; only Wake may
// be called from elsewhere.
type Poller struct {
	fd, wake int
	events   [batch]unix.EpollEvent
}

// wakeIndex is the event index of the wake descriptor.
const wakeIndex = -1

// NewPoller makes a poller. Its descriptors are closed by Close.
func NewPoller() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make an epoll instance: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make an event descriptor: %w", err)
	}
	p := &Poller{fd: fd, wake: wake}
	if err := p.add(wake, wakeIndex, 0, unix.EPOLLIN); err != nil {
		p.Close()
		return nil, fmt.Errorf("watch the event descriptor: %w", err)
	}
	return p, nil
}

// Close closes the poller's descriptors.
func (p *Poller) Close() {
	_ = unix.Close(p.wake)
	_ = unix.Close(p.fd)
}

// Wake makes the current or the next Wait return at once. It may be called from
// any goroutine as long as the poller is not closed.
func (p *Poller) Wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.wake, one[:])
}

// brief is the longest that Poll may block: so long may the rest of the process
// have to wait for this thread, when the collector stops the world.
const brief = 100 * time.Microsecond

// Poll takes in the events that are there, or that come within d, but blocks for
// a tenth of a millisecond at most.
//
// It does not tell the Go scheduler that it may block. Telling costs nothing by
// itself, but a thread that is gone for 20 µs has its place given to another
// one, which is woken for it, finds nothing to do and sleeps again; at a high
// rate that costs more than the waiting.
func (p *Poller) Poll(d time.Duration) int {
	t := unix.NsecToTimespec(int64(min(d, brief)))
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), batch, uintptr(unsafe.Pointer(&t)), 0, 0)
	if errno == unix.ENOSYS {
		n, _, errno = syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events[0])), batch, 0, 0, 0)
	}
	if errno != 0 {
		return 0
	}
	return int(n)
}

// Wait blocks until there are events or d has passed.
func (p *Poller) Wait(d time.Duration) int {
	t := unix.NsecToTimespec(int64(d))
	n, _, errno := syscall.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(p.fd),
		uintptr(unsafe.Pointer(&p.events[0])), batch, uintptr(unsafe.Pointer(&t)), 0, 0)
	if errno == unix.ENOSYS {
		// Before Linux 5.11 time is counted in milliseconds. Waking early and
		// polling for the rest is better than waking late.
		n, _, errno = syscall.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.fd),
			uintptr(unsafe.Pointer(&p.events[0])), batch, uintptr(d/time.Millisecond), 0, 0)
	}
	if errno != 0 {
		return 0
	}
	return int(n)
}

// add watches fd. Its events come back with index and generation.
func (p *Poller) add(fd int, index, gen int32, events uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: index, Pad: gen})
}

// rearm makes the edge-triggered events of fd that still hold come again.
func (p *Poller) rearm(fd int, index, gen int32, events uint32) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: index, Pad: gen})
}

// drainWake makes the wake descriptor quiet again.
func (p *Poller) drainWake() {
	var b [8]byte
	_, _ = unix.Read(p.wake, b[:])
}
