package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// interceptor stands before every handler: it finds out who calls and whether
// the call is admitted, and makes an answer of whatever comes back, a panic too.
type interceptor struct {
	server  *Server
	running context.Context // ends when the server is to return
}

// callerKey finds the caller in a call's context.
type callerKey struct{}

func callerOf(ctx context.Context) Caller {
	who, _ := ctx.Value(callerKey{}).(Caller)
	return who
}

func (i interceptor) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	err = i.guard(ctx, shortName(info.FullMethod), func(ctx context.Context, headers metadata.MD) error {
		if err := grpc.SetHeader(ctx, headers); err != nil {
			return err
		}
		if err := checkMessage(request.(proto.Message)); err != nil {
			return err
		}
		answer, err = handle(ctx, request)
		if err != nil {
			return err
		}
		return checkMessage(answer.(proto.Message))
	})
	return answer, err
}

func (i interceptor) stream(service any, raw grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if !methods[shortName(info.FullMethod)].standing {
		return i.whole(service, raw, info, handle)
	}
	done := make(chan error, 1)
	i.server.standing.Go(func() { done <- i.whole(service, raw, info, handle) })
	select {
	case err := <-done:
		return err
	case <-i.running.Done():
	}
	// The handler's context has ended. If it waits in Recv it hears of that only
	// when the call is over for gRPC, which is when this function returns.
	patience := time.NewTimer(partTime)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		return toStatus(leaving())
	}
}

// partTime is how long the handler of a standing call may take to say its last.
const partTime = 200 * time.Millisecond

func leaving() error { return Errorf(Unavailable, "the node is leaving") }

// whole runs a call on a stream from beginning to end.
func (i interceptor) whole(service any, raw grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	return i.guard(raw.Context(), shortName(info.FullMethod), func(ctx context.Context, headers metadata.MD) error {
		if err := raw.SendHeader(headers); err != nil {
			return err
		}
		return handle(service, &callStream{raw, ctx})
	})
}

// callStream is a stream whose context knows the caller.
type callStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *callStream) Context() context.Context { return s.ctx }

// guard runs one call: admission first, then the handler, then the count.
func (i interceptor) guard(ctx context.Context, name string, handle func(context.Context, metadata.MD) error) (err error) {
	s := i.server
	s.counts.add("calls", name)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(i.running, stop)()

	who, leave, err := i.admit(ctx, name)
	if err != nil {
		s.refused(ctx, name, who, err)
		return toStatus(err)
	}
	defer leave()
	err = s.contain(name, who, func() error {
		return handle(context.WithValue(ctx, callerKey{}, who), s.headers())
	})
	if KindOf(err) == Cancelled && i.running.Err() != nil {
		err = leaving()
	}
	if err != nil {
		s.counts.add("failed", name+" "+string(KindOf(err)))
	}
	return toStatus(err)
}

// contain runs a handler and turns a panic into an error, so that one bad
// message does not end the node.
func (s *Server) contain(name string, who Caller, handle func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.counts.add("panics", name)
			s.deps.Log.Error("a handler panicked", "call", name, "caller", who.ID.String(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = Errorf(Internal, "handling %s failed by a fault of this node, which has been logged", name)
		}
	}()
	return handle()
}

// admit says who calls, or why the call is not taken. The caller is as far known
// as could be found out. Leave gives back what the call took up.
func (i interceptor) admit(ctx context.Context, name string) (who Caller, leave func(), err error) {
	s := i.server
	from, ok := peer.FromContext(ctx)
	if !ok {
		return who, nil, Errorf(Internal, "a call came without a connection")
	}
	who.Address = from.Addr.String()
	badge, ok := from.AuthInfo.(badge)
	if !ok {
		return who, nil, Errorf(Internal, "a call came past the doorman")
	}
	if badge.visitor.tooMany() {
		return who, nil, s.overloaded("this node has as many connections as it takes (%d; %d of one caller)", s.config.Limits.Connections, s.config.Limits.PerIdentity)
	}
	headers, _ := metadata.FromIncomingContext(ctx)
	if who.ID, err = whoCalls(headers, badge); err != nil {
		return who, nil, err
	}
	who.Proved = badge.proved
	if said := first(headers, bootHeader); said != "" {
		boot, err := strconv.ParseUint(said, 10, 64)
		if err != nil {
			return who, nil, Errorf(Invalid, "the caller says that its boot number is %q", said)
		}
		who.Boot = hyperscale.Boot(boot)
	}
	if err := mayUse(name, who.ID, s.config.Self); err != nil {
		return who, nil, err
	}
	if who.Features, err = negotiate(Features(), first(headers, protocolHeader), first(headers, featuresHeader)); err != nil {
		return who, nil, err
	}
	leave, err = s.enter(name, who)
	return who, leave, err
}

// enter holds the call to the rates of its client and to the limit on calls, if the
// node serves at all.
func (s *Server) enter(name string, who Caller) (leave func(), err error) {
	if away := s.config.Away; away != "" {
		return nil, &Error{Kind: Unavailable, Text: away, Undone: true}
	}
	m := methods[name]
	if who.Role == identity.Client {
		if wait := s.rates.take(time.Now(), who.ID.String(), m.bucket); wait > 0 {
			e := Errorf(RateLimited, "%s asks too often: %s", who.Who(), name)
			e.Retry = wait
			return nil, e
		}
	}
	if leave = s.admission.enter(m); leave == nil {
		return nil, s.overloaded("this node has too much to do for %s", name)
	}
	return leave, nil
}

// whoCalls takes the identity from the certificate, and without one from what
// the caller says.
func whoCalls(headers metadata.MD, b badge) (identity.ID, error) {
	said := first(headers, identityHeader)
	if b.proved {
		if said != "" && said != b.id.String() {
			return b.id, Errorf(Unauthenticated, "the caller says that it is %q, its certificate is that of %s", said, b.id)
		}
		return b.id, nil
	}
	if said == "" {
		return identity.ID{}, Errorf(Unauthenticated, "the caller does not say who it is")
	}
	id, err := identity.Parse(said)
	if err != nil {
		return identity.ID{}, Errorf(Unauthenticated, "%v", err)
	}
	return id, nil
}

func (s *Server) refused(ctx context.Context, name string, who Caller, err error) {
	kind := KindOf(err)
	s.counts.add("refused", name+" "+string(kind))
	level := slog.LevelWarn
	if kind.Again() {
		level = slog.LevelDebug // expected under load, and as many as there are callers
	}
	s.deps.Log.Log(ctx, level, "a call was refused", "call", name, "from", who.Address, "caller", who.ID.String(), "reason", err)
}

// headers tells the caller whom it reached.
func (s *Server) headers() metadata.MD { return headersOf(s.config.Self) }

func headersOf(id identity.ID) metadata.MD {
	return metadata.Pairs(identityHeader, id.String(), protocolHeader, Protocol, featuresHeader, strings.Join(Features(), " "))
}

func first(md metadata.MD, name string) string {
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}
