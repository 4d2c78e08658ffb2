package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
)

// Dialing says who calls, and how connections are kept up. Zero times stand for
// the defaults.
type Dialing struct {
	Self         identity.ID      // who calls; with certificates it is theirs
	Boot         hyperscale.Boot  // which start of it; 0: it does not say
	Certificates *identity.Source // nil: none; then only nodes on loopback are called
	Connect      time.Duration    // longest time for one attempt; 0: 2 s
	FirstRetry   time.Duration    // after a failed attempt, growing by 1.6; 0: 100 ms
	LastRetry    time.Duration    // longest time between attempts; 0: 3 s
	Keepalive    time.Duration    // a silent connection is asked for a sign of life; 0: 10 s

	// Dial opens the connection; nil: by TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Conn calls one node. It connects when first used, and again when the
// connection broke; calls made meanwhile wait for the attempt that is under way
// and fail with Unavailable when it does. It is safe for concurrent use.
type Conn struct {
	address string
	conn    *grpc.ClientConn
	self    identity.ID
	boot    hyperscale.Boot
	certs   *identity.Source // nil: none
	open    func(ctx context.Context, address string) (net.Conn, error)
	reached atomic.Pointer[Reached]
	heard   hearing
}

// Reached is which node answered.
type Reached struct {
	identity.ID
	Features []string // those of the protocol that both sides have, sorted
}

// Reached tells which node answered last; ok is false before the first answer.
func (c *Conn) Reached() (r Reached, ok bool) {
	if at := c.reached.Load(); at != nil {
		return *at, true
	}
	return Reached{}, false
}

// Dial makes a connection to the node at host:port. Close ends it.
func Dial(address string, d Dialing) (*Conn, error) {
	if d.Certificates != nil {
		d.Self = d.Certificates.ID()
	}
	if err := d.Self.Check(); err != nil {
		return nil, fmt.Errorf("calling %s: %w", address, err)
	}
	if err := mayReach(address, d); err != nil {
		return nil, err
	}
	c := &Conn{address: address, self: d.Self, boot: d.Boot, certs: d.Certificates, open: d.opener()}
	conn, err := grpc.NewClient("passthrough:///"+address, c.options(d)...)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", address, err)
	}
	c.conn = conn
	return c, nil
}

// Address is that of the node which is called.
func (c *Conn) Address() string { return c.address }

// Close ends the connection and every call on it.
func (c *Conn) Close() error { return c.conn.Close() }

// mayReach keeps what has no certificates on its machine.
func mayReach(address string, d Dialing) error {
	if d.Certificates != nil || d.Dial != nil {
		return nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return Errorf(Invalid, "calling %q: host:port is wanted", address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return Errorf(Invalid, "calling %s: without certificates only nodes on loopback are called; make some with hyperscale certs", address)
}

// connectTime is how long one attempt to connect may take.
const connectTime = 2 * time.Second

// opener opens one connection.
func (d Dialing) opener() func(context.Context, string) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = func(ctx context.Context, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		}
	}
	return func(ctx context.Context, address string) (net.Conn, error) {
		ctx, stop := context.WithTimeout(ctx, orTime(d.Connect, connectTime))
		defer stop()
		return dial(ctx, address)
	}
}

func (c *Conn) options(d Dialing) []grpc.DialOption {
	secure := insecure.NewCredentials()
	if d.Certificates != nil {
		secure = credentials.NewTLS(identity.ClientTLS(d.Certificates, func(to identity.ID) error {
			return identity.MayCall(d.Certificates.ID(), to)
		}))
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(secure),
		grpc.WithContextDialer(c.open),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: orTime(d.Connect, connectTime),
			Backoff:           backoff.Config{BaseDelay: orTime(d.FirstRetry, firstWait), Multiplier: growth, Jitter: jitter, MaxDelay: orTime(d.LastRetry, lastWait)},
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: orTime(d.Keepalive, 10*time.Second), Timeout: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wireLimit), grpc.MaxCallSendMsgSize(wireLimit)),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
		grpc.WithUnaryInterceptor(c.unary),
		grpc.WithStreamInterceptor(c.stream),
	}
}

// unary makes one call: it says who we are, holds the sizes, looks whom it
// reached and brings errors into our form.
func (c *Conn) unary(ctx context.Context, name string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if err := checkMessage(request.(proto.Message)); err != nil {
		return err
	}
	var headers metadata.MD
	options = append(options, grpc.Header(&headers))
	if err := invoke(c.saying(ctx), name, request, answer, conn, options...); err != nil {
		return c.explain(ctx, err)
	}
	if err := c.checkNode(headers); err != nil {
		return err
	}
	return checkMessage(answer.(proto.Message))
}

func (c *Conn) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, name string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	raw, err := open(c.saying(ctx), desc, conn, name, options...)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return &checkedStream{ClientStream: raw, conn: c}, nil
}

// checkedStream looks whom it reached before it gives out the first message.
type checkedStream struct {
	grpc.ClientStream
	conn    *Conn
	checked bool // of the one goroutine that receives
}

func (s *checkedStream) RecvMsg(m any) error {
	if err := s.ClientStream.RecvMsg(m); err != nil {
		return s.conn.explain(s.Context(), err)
	}
	if s.checked {
		s.conn.heard.now()
		return nil
	}
	headers, err := s.Header()
	if err != nil {
		return s.conn.explain(s.Context(), err)
	}
	s.checked = true
	return s.conn.checkNode(headers)
}

func (c *Conn) saying(ctx context.Context) context.Context {
	says := headersOf(c.self)
	if c.boot != 0 {
		says.Set(bootHeader, strconv.FormatUint(uint64(c.boot), 10))
	}
	return metadata.NewOutgoingContext(ctx, says)
}

// checkNode refuses the answers of a node that is not of our cluster.
func (c *Conn) checkNode(headers metadata.MD) error {
	node, err := identity.Parse(first(headers, identityHeader))
	if err != nil {
		return Errorf(WrongCluster, "what answers at %s does not say that it is a node of ours", c.address)
	}
	if node.Domain() != c.self.Domain() {
		return Errorf(WrongCluster, "%s at %s is of cluster %s, environment %s; we are of cluster %s, environment %s",
			node.Who(), c.address, node.Cluster, node.Env, c.self.Cluster, c.self.Env)
	}
	if err := identity.MayCall(c.self, node); err != nil {
		return Errorf(Unauthorized, "calling %s: %v", c.address, err)
	}
	features, err := negotiate(Features(), first(headers, protocolHeader), first(headers, featuresHeader))
	if err != nil {
		return err
	}
	c.reached.Store(&Reached{node, features})
	c.heard.now()
	return nil
}

// explain brings an error into our form and tells a refused certificate from a
// node that is not there: trying again helps only one of them.
func (c *Conn) explain(ctx context.Context, err error) error {
	err = ended(err)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Unavailable {
		if kind := KindOf(err); kind != OutOfTime && kind != Cancelled {
			c.heard.now() // a refusal is an answer
		}
		return err
	}
	away := strings.HasPrefix(e.Text, "connection error: ")
	e.Undone = e.Undone || away
	switch {
	case silentText(e.Text):
		e.Text = "no connection: what listens there says nothing: it stands still, or is no gate or manager"
	case strings.Contains(e.Text, "does not look like a TLS handshake"):
		e.Kind, e.Text = Unauthenticated, "what answers takes no certificates; leave them out, or ask another"
	case strings.Contains(e.Text, "handshake failed") && !strings.Contains(e.Text, "EOF") || strings.Contains(e.Text, "remote error: tls"):
		e.Kind, e.Text = Unauthenticated, handshakeText(e.Text)
	case c.certs == nil && strings.Contains(e.Text, "server preface") && wantsCertificates(ctx, c):
		e.Kind, e.Text = Unauthenticated, "what answers wants certificates: --cert, --key-file and --ca name them, hyperscale certs makes some"
	case away:
		e.Text = noConnection(e.Text)
	default:
		e.Text = strings.Replace(e.Text, "error reading from server", "the connection broke", 1)
	}
	e.Text = "calling " + c.address + ": " + e.Text
	return e
}

// handshakeText says in words for people why there is no trust between two nodes.
// What it does not know it leaves as it is.
func handshakeText(reason string) string {
	switch {
	case strings.Contains(reason, "could not verify leaf certificate") && strings.Contains(reason, "expired"):
		return "its certificate has expired, or is not valid yet by the clock of this machine"
	case strings.Contains(reason, "could not verify leaf certificate"), strings.Contains(reason, "no X.509 bundle"):
		return "its certificate is of another authority, cluster or environment than is trusted here"
	case strings.Contains(reason, "remote error: tls: bad certificate"):
		return "it does not take the certificate of this side: another authority, cluster, environment or datacenter, or one that has expired; its log says which"
	}
	for _, noise := range []string{"connection error: desc = ", `"transport: `, "authentication handshake failed: "} {
		reason = strings.Replace(reason, noise, "", 1)
	}
	return strings.TrimSuffix(reason, `"`)
}

// silentText reports whether a connection was made and nothing came over it, for as
// long as an attempt may take.
func silentText(reason string) bool {
	return strings.Contains(reason, "server preface") && strings.Contains(reason, "use of closed network connection") || // by us
		strings.Contains(reason, "handshake failed") && strings.Contains(reason, "deadline exceeded")
}

// noConnection says in words for people why there is no connection to a node.
func noConnection(reason string) string {
	reason = strings.TrimSuffix(strings.TrimPrefix(reason, `connection error: desc = "`), `"`)
	switch dialing, is := strings.CutPrefix(reason, "transport: Error while dialing: "); {
	case is:
		reason = dialing[strings.LastIndex(dialing, ": ")+1:]
	case strings.Contains(reason, "looked like an HTTP/1.1 header"):
		reason = " what listens there speaks HTTP/1 and is no gate or manager; those take calls at port 7400, if nothing else was said"
	case strings.Contains(reason, "server preface"):
		reason = " what listens there hangs up: no gate or manager, or one that ends; those take calls at port 7400, if nothing else was said"
	default:
		reason = " " + reason
	}
	return "no connection:" + reason
}

// wantsCertificates reports whether what hung up on a call speaks TLS. Nothing is said
// to it that matters, so it need not prove who it is.
func wantsCertificates(ctx context.Context, c *Conn) bool {
	ctx, stop := context.WithTimeout(ctx, connectTime)
	defer stop()
	raw, err := c.open(ctx, c.address)
	if err != nil {
		return false
	}
	defer func() { _ = raw.Close() }() // it was only a question
	err = tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	var alert tls.AlertError
	return err == nil || errors.As(err, &alert)
}
