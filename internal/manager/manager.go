// Package manager is a scheduler node of a datacenter: a member of the
// datacenter's store and gossip, and a node of its tier, which owns jobs and
// places them on workers.
package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"hyperscale/internal/ops"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store/etcdstore"
)

// Manager is one manager.
type Manager struct {
	cfg Config
	log *slog.Logger

	mu      sync.Mutex
	life    *life // nil: it does not serve now
	down    error // why it stepped down last; until a life has served since
	leaving bool
}

// New makes a manager that does not run. Its error lists all that is wrong with
// the configuration.
func New(cfg Config, log *slog.Logger) (*Manager, error) {
	cfg = cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Manager{cfg: cfg, log: log.With("node", cfg.Name)}, nil
}

// Run serves until ctx ends or a part fails for good. When the disk is full it
// steps down, and serves again when there is room. When it returns, everything
// that it started has returned.
func (m *Manager) Run(ctx context.Context) error {
	d, err := claim(m.cfg.Data, m.cfg.self())
	if err != nil {
		return err
	}
	err = m.serveHTTP(ctx, func(ctx context.Context) error { return m.live(ctx, d) })
	return errors.Join(err, d.release())
}

// serveHTTP answers those who watch the node, for as long as inner runs.
func (m *Manager) serveHTTP(ctx context.Context, inner func(context.Context) error) error {
	if m.cfg.At.HTTP == off {
		return inner(ctx)
	}
	ln, err := listen(m.cfg.At.HTTP, "--http")
	if err != nil {
		return err
	}
	handler := ops.Handler(ops.Node{Healthy: m.Healthy, Ready: m.Ready, Metrics: m.Metrics})
	return within(ctx, func(ctx context.Context) error { return ops.Serve(ctx, ln, handler) }, inner)
}

// listen opens a port, and says which flag chooses another.
func listen(address, flag string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	return ln, listening(err, address, flag)
}

// listening says of a port that could not be opened which flag chooses another.
func listening(err error, address, flag string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE), strings.Contains(err.Error(), syscall.EADDRINUSE.Error()): // some give only its words
		return fmt.Errorf("the port of %s is in use already, perhaps by another manager; %s takes another: %w", address, flag, err)
	}
	return fmt.Errorf("listening at %s (%s): %w", address, flag, err)
}

// roomEach is how often a manager without room on its disk looks whether there is
// some.
const roomEach = 2 * time.Second

// live serves, again and again while what ended it may mend by itself.
func (m *Manager) live(ctx context.Context, d *data) error {
	for wiped := false; ; {
		err := m.once(ctx, d, wiped)
		wait := roomEach
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, etcdstore.ErrWiped) && len(m.cfg.Join) > 0 && !wiped:
			wiped = true
			continue
		case errors.Is(err, etcdstore.ErrNotMet):
			m.log.Info("the other managers have not all heard of this one; asking again to be let in", "reason", err)
			wait = askAgain
		case m.mayComeBack(err):
			if !m.stepDown(ctx, err, wait) {
				return nil
			}
			continue
		default:
			return err
		}
		if !pause(ctx, wait) {
			return nil
		}
	}
}

// mayComeBack reports whether a life ended for what may mend by itself, and left
// nothing behind.
func (m *Manager) mayComeBack(err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	disk := errors.Is(err, etcdstore.ErrDisk) || errors.Is(err, syscall.ENOSPC)
	return disk && !errors.Is(err, etcdstore.ErrStuck) && !m.leaving
}

// stepDown waits while the manager has stepped down, and tells whoever calls why. It
// reports whether ctx goes on.
func (m *Manager) stepDown(ctx context.Context, err error, wait time.Duration) bool {
	m.mu.Lock()
	if m.down == nil {
		m.log.Error("this manager has stepped down; it comes back when its disk serves again", "reason", err)
	}
	m.down = fmt.Errorf("manager %s has stepped down: %w", m.cfg.Name, err)
	why := m.down
	m.mu.Unlock()
	waiting, stop := context.WithTimeout(ctx, wait)
	defer stop()
	if err := m.refuseAll(waiting, why); err != nil {
		m.log.Debug("nobody is told that this manager has stepped down", "reason", err)
		<-waiting.Done()
	}
	return ctx.Err() == nil
}

// refuseAll answers all calls with why they can't be served, until ctx ends.
func (m *Manager) refuseAll(ctx context.Context, why error) error {
	server, err := rpc.NewServer(rpc.ServerConfig{Self: m.cfg.self(), Away: why.Error()}, rpc.ServerDeps{Log: m.log, Certificates: m.cfg.Certificates})
	if err != nil {
		return err
	}
	ln, err := listen(m.cfg.At.Listen, "--listen")
	if err != nil {
		return err
	}
	return server.Run(ctx, ln)
}

// once is one life of the manager. One that was wiped is known to the others, and
// joins them anew.
func (m *Manager) once(ctx context.Context, d *data, wiped bool) error {
	l, err := m.newLife(d)
	if err != nil {
		return err
	}
	l.wiped = wiped
	m.mu.Lock()
	m.life = l
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.life = nil
		if l.served.Load() {
			m.down = nil
		}
	}()
	return l.run(ctx)
}

// stepped says why this manager has stepped down; nil: it has not, or serves again.
func (m *Manager) stepped() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life != nil && m.life.served.Load() {
		return nil
	}
	return m.down
}

// now is the life that goes on; nil: none.
func (m *Manager) now() *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.life
}

// Ready says why the manager can't serve now; nil: it can.
func (m *Manager) Ready() error {
	if why := m.stepped(); why != nil {
		return why
	}
	if l := m.now(); l != nil {
		return l.ready()
	}
	return errors.New("this manager has not begun")
}

// Healthy says why it should be started anew; nil: it is well, or mends by itself.
func (m *Manager) Healthy() error {
	if l := m.now(); l != nil {
		return l.healthy()
	}
	return nil
}

// Leave hands over what this manager owns, before it is stopped.
func (m *Manager) Leave(ctx context.Context) {
	m.mu.Lock()
	m.leaving = true
	l := m.life
	m.mu.Unlock()
	if l != nil {
		l.leave(ctx)
	}
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// within runs inner for as long as outer runs, and ends outer when inner has
// returned. The first error is given.
func within(ctx context.Context, outer, inner func(context.Context) error) error {
	outerCtx, endOuter := context.WithCancel(context.WithoutCancel(ctx))
	innerCtx, endInner := context.WithCancelCause(ctx)
	defer endInner(nil)
	done := make(chan error, 1)
	go func() {
		err := outer(outerCtx)
		endInner(err)
		done <- err
	}()
	err := inner(innerCtx)
	endOuter()
	if outerErr := <-done; outerErr != nil && !errors.Is(outerErr, context.Canceled) {
		return outerErr
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
