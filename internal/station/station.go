// Package station is what managers and gates have in common: a member of the store and
// of the gossip of its tier, which serves calls and runs a [tier.Tier]. What sets the
// two apart is a [Kind]; words come from the role.
package station

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"hyperscale/internal/ops"
	"hyperscale/internal/rpc"
	"hyperscale/internal/store/etcdstore"
)

// Station is one node.
type Station struct {
	cfg  Config
	kind Kind
	log  *slog.Logger

	mu      sync.Mutex
	life    *life // nil: it does not serve now
	down    error // why it stepped down last; until a life has served since
	leaving bool
}

// New makes a node that does not run. Its error lists all that is wrong with the
// configuration.
func New(cfg Config, kind Kind, log *slog.Logger) (*Station, error) {
	cfg = cfg.complete()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Station{cfg: cfg, kind: kind, log: log.With("node", cfg.Self.Node)}, nil
}

// ErrAnew: the disk serves again, and the node serves again in another process: parts
// of the store that a failed write broke are left in this one. Whoever runs the node
// starts the program anew, as it was started.
var ErrAnew = errors.New("the node must be started again in another process")

// Run serves until ctx ends or a part fails for good. When the disk is full it
// steps down, and serves again when there is room; [ErrAnew]: it can't in this
// process. When it returns anything else, everything that it started has returned,
// but what hangs in a write.
func (s *Station) Run(ctx context.Context) error {
	d, err := claim(s.cfg.Data, s.cfg.Self)
	if err != nil {
		return err
	}
	err = s.serveHTTP(ctx, func(ctx context.Context) error { return s.live(ctx, d) })
	return errors.Join(err, d.release())
}

// serveHTTP answers those who watch the node, for as long as inner runs.
func (s *Station) serveHTTP(ctx context.Context, inner func(context.Context) error) error {
	if s.cfg.At.HTTP == off {
		return inner(ctx)
	}
	ln, err := s.cfg.listen(s.cfg.At.HTTP, "--http")
	if err != nil {
		return err
	}
	handler := ops.Handler(ops.Node{Healthy: s.Healthy, Ready: s.Ready, Metrics: s.Metrics})
	return within(ctx, func(ctx context.Context) error { return ops.Serve(ctx, ln, handler) }, inner)
}

// listen opens a port, and says which flag chooses another.
func (c Config) listen(address, flag string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	return ln, c.listening(err, address, flag)
}

// listening says of a port that could not be opened which flag chooses another.
func (c Config) listening(err error, address, flag string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE), strings.Contains(err.Error(), syscall.EADDRINUSE.Error()): // some give only its words
		return fmt.Errorf("the port of %s is in use already, perhaps by another %s; %s takes another: %w", address, c.Self.Role, flag, err)
	}
	return fmt.Errorf("listening at %s (%s): %w", address, flag, err)
}

// roomEach is how often a node without room on its disk looks whether there is
// some.
const roomEach = 2 * time.Second

// live serves, again and again while what ended it may mend by itself.
func (s *Station) live(ctx context.Context, d *data) error {
	for wiped := false; ; {
		err := s.room()
		if err == nil {
			err = s.once(ctx, d, wiped)
		}
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, etcdstore.ErrWiped) && len(s.cfg.Join) > 0 && !wiped:
			wiped = true
			continue
		case errors.Is(err, etcdstore.ErrNotMet):
			s.log.Info("the others have not all heard of this one; asking again to be let in", "reason", err)
		case s.mayComeBack(err):
			if !s.stepDown(ctx, err) {
				return nil
			}
			if errors.Is(err, etcdstore.ErrStuck) {
				s.log.Warn("the program is started anew: in this process a write that failed has left parts of the store behind")
				return ErrAnew
			}
			continue
		default:
			return err
		}
		if !pause(ctx, askAgain) {
			return nil
		}
	}
}

// room says why there is no room for a life; nil: there is.
func (s *Station) room() error {
	if s.cfg.Store.External != "" {
		return nil
	}
	return etcdstore.Room(filepath.Join(s.cfg.Data, storeDir))
}

// mayComeBack reports whether a life ended for what may mend by itself.
func (s *Station) mayComeBack(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.leaving && (errors.Is(err, etcdstore.ErrDisk) || errors.Is(err, syscall.ENOSPC))
}

// stepDown waits until there is room, for a while at least, and tells whoever calls
// why. It reports whether ctx goes on.
func (s *Station) stepDown(ctx context.Context, err error) bool {
	s.mu.Lock()
	if s.down == nil {
		s.log.Error(fmt.Sprintf("this %s has stepped down; it comes back when its disk serves again", s.cfg.Self.Role), "reason", err)
	}
	s.down = fmt.Errorf("%s %s has stepped down: %w", s.cfg.Self.Role, s.cfg.Self.Node, err)
	why := s.down
	s.mu.Unlock()
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer stop()
		for pause(waiting, roomEach) && s.room() != nil {
		}
	}()
	if err := s.refuseAll(waiting, why); err != nil {
		s.log.Debug("nobody is told that this node has stepped down", "reason", err)
		<-waiting.Done()
	}
	return ctx.Err() == nil
}

// refuseAll answers all calls with why they can't be served, until ctx ends.
func (s *Station) refuseAll(ctx context.Context, why error) error {
	server, err := rpc.NewServer(rpc.ServerConfig{Self: s.cfg.Self, Away: why.Error()}, rpc.ServerDeps{Log: s.log, Certificates: s.cfg.Certificates})
	if err != nil {
		return err
	}
	ln, err := s.cfg.listen(s.cfg.At.Listen, "--listen")
	if err != nil {
		return err
	}
	return server.Run(ctx, ln)
}

// once is one life of the node. One that was wiped is known to the others, and
// joins them anew.
func (s *Station) once(ctx context.Context, d *data, wiped bool) error {
	l, err := s.newLife(d)
	if err != nil {
		return err
	}
	l.wiped = wiped
	s.mu.Lock()
	s.life = l
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.life = nil
		if l.served.Load() {
			s.down = nil
		}
	}()
	return l.run(ctx)
}

// stepped says why this node has stepped down; nil: it has not, or serves again.
func (s *Station) stepped() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != nil && s.life.served.Load() {
		return nil
	}
	return s.down
}

// now is the life that goes on; nil: none.
func (s *Station) now() *life {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life
}

// Ready says why the node can't serve now; nil: it can.
func (s *Station) Ready() error {
	if why := s.stepped(); why != nil {
		return why
	}
	if l := s.now(); l != nil {
		return l.ready()
	}
	return fmt.Errorf("this %s has not begun", s.cfg.Self.Role)
}

// Healthy says why it should be started anew; nil: it is well, or mends by itself.
func (s *Station) Healthy() error {
	if l := s.now(); l != nil {
		return l.healthy()
	}
	return nil
}

// Leave hands over what this node owns, before it is stopped.
func (s *Station) Leave(ctx context.Context) {
	s.mu.Lock()
	s.leaving = true
	l := s.life
	s.mu.Unlock()
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
