package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "hyperscale/internal/rpc/hyperscalev1"
	"hyperscale/internal/rpc/identity"
)

// ServerConfig says whom a server stands for, and how much it takes.
type ServerConfig struct {
	Self   identity.ID // who the node is; with certificates it is theirs
	Limits Limits
	Away   string // why the node serves nobody: every call is answered Unavailable with it; "": it serves
}

// ServerDeps is what a server needs of others. Log is needed; of the handlers
// those that are nil are answered Unsupported.
type ServerDeps struct {
	Log          *slog.Logger
	Certificates *identity.Source // nil: none; then the node listens on loopback only
	Jobs         Jobs
	Cluster      Cluster
	Links        Links
	Peers        Peers
	Store        Store
}

// Server takes calls for a node.
type Server struct {
	config    ServerConfig
	deps      ServerDeps
	doorman   *doorman
	admission *admission
	rates     *rates
	room      *room
	counts    *counts
	standing  sync.WaitGroup // handlers of standing calls
}

// NewServer makes a server; it starts nothing.
func NewServer(config ServerConfig, deps ServerDeps) (*Server, error) {
	config.Limits = config.Limits.withDefaults()
	if deps.Certificates != nil {
		config.Self = deps.Certificates.ID()
	}
	if err := config.Self.Check(); err != nil {
		return nil, fmt.Errorf("making a server: %w", err)
	}
	if r := config.Self.Role; r != identity.Manager && r != identity.Gate {
		return nil, fmt.Errorf("making a server: a %s takes no calls", r)
	}
	counts := new(counts)
	return &Server{
		config: config, deps: deps, counts: counts,
		doorman:   newDoorman(config.Limits, counts),
		admission: &admission{calls: config.Limits.Calls, watches: config.Limits.Watches},
		rates:     newRates(config.Limits),
		room:      newRoom(config.Limits.Assembling),
	}, nil
}

// Press says how near the node is to having too much to do, until it is said
// again.
func (s *Server) Press(p Pressure) { s.admission.press(p) }

// Counts is what happened so far, for metrics.
func (s *Server) Counts() []Count { return s.counts.all() }

// leaveTime is how long calls may take to end once the server is to return.
const leaveTime = 2 * time.Second

// Run takes calls from the listener until ctx ends; then it lets those end that
// are being handled, and closes the listener. Standing calls are ended by the
// contexts of their handlers.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	if err := s.mayListen(listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := grpc.NewServer(s.options(ctx)...)
	pb.RegisterJobsServer(server, jobsServer{server: s})
	pb.RegisterClusterServer(server, clusterServer{server: s})
	pb.RegisterLinkServer(server, linkServer{server: s})
	pb.RegisterPeersServer(server, peersServer{server: s})

	served := make(chan error, 1)
	go func() { served <- server.Serve(door{listener, s.doorman}) }()
	select {
	case err := <-served:
		server.Stop()
		s.standing.Wait()
		return fmt.Errorf("taking calls on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	left := make(chan struct{})
	go func() { defer close(left); server.GracefulStop() }()
	patience := time.NewTimer(leaveTime)
	defer patience.Stop()
	select {
	case <-left:
	case <-patience.C:
		server.Stop()
		<-left
	}
	err := <-served
	s.standing.Wait()
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("taking calls on %s: %w", listener.Addr(), err)
	}
	return nil
}

// mayListen refuses to be reached from elsewhere by whoever says to be somebody.
func (s *Server) mayListen(addr net.Addr) error {
	if s.deps.Certificates != nil {
		return nil
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsLoopback() {
		return Errorf(Invalid, "listening on %s: without certificates a node listens on loopback (127.0.0.1 or ::1) only; make some with hyperscale certs", addr)
	}
	return nil
}

func (s *Server) options(ctx context.Context) []grpc.ServerOption {
	inner := insecure.NewCredentials()
	if s.deps.Certificates != nil {
		inner = credentials.NewTLS(identity.ServerTLS(s.deps.Certificates, s.admitIdentity))
	}
	calls := interceptor{server: s, running: ctx}
	return []grpc.ServerOption{
		grpc.Creds(handshake{TransportCredentials: inner, doorman: s.doorman, refused: s.refusedHandshake}),
		grpc.MaxRecvMsgSize(wireLimit),
		grpc.MaxSendMsgSize(wireLimit),
		grpc.ConnectionTimeout(s.config.Limits.Handshake + time.Second),
		grpc.MaxConcurrentStreams(1 << 16),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(calls.unary),
		grpc.StreamInterceptor(calls.stream),
		grpc.WaitForHandlers(true),
	}
}

// admitIdentity is asked in the handshake, before a caller costs anything more.
func (s *Server) admitIdentity(from identity.ID) error {
	return identity.MayCall(from, s.config.Self)
}

func (s *Server) refusedHandshake(addr net.Addr, err error) {
	s.counts.add("refused", "handshake")
	level := slog.LevelWarn
	if errors.Is(err, io.EOF) {
		level = slog.LevelDebug // it went without a word: somebody looked whether the port is open
	}
	s.deps.Log.Log(context.Background(), level, "a connection was refused", "from", addr.String(), "reason", handshakeText(err.Error()))
}

// overloaded is a refusal for want of room, with a delay that is spread.
func (s *Server) overloaded(format string, args ...any) *Error {
	return withRetry(Errorf(Overloaded, format, args...), s.config.Limits.RetryOverload, rand.Float64())
}
