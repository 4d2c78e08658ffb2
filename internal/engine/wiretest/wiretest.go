// Package wiretest holds every driver to the contract of package wire: against
// scripted servers on loopback it looks at what is handed back, at what the
// servers saw, and at what is left behind. It does not sleep; it turns the
// driver, as a lane does, until what it waits for has come.
package wiretest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/engine/dial"
	"hyperscale/internal/engine/wire"
	"hyperscale/internal/session"
)

// Harness is a driver and the lane around it. The goroutine that runs the test
// is the lane's thread: it alone calls the driver and Turn.
type Harness struct {
	Driver wire.Driver
	// Turn does what a lane does between two looks at its schedule: it waits for
	// something to happen to the driver, at most for the time given (0: not at
	// all), and has everything handed back that has ended by then.
	Turn func(atMost time.Duration)
}

// Open makes a harness whose driver looks names up in names and hands what has
// ended to done, from within Turn. Its clock is monotonic. What the harness
// itself holds it gives back in a cleanup of t, which runs after the driver was
// closed.
type Open func(t *testing.T, names *dial.Names, done func(*wire.Exchange)) Harness

// Run runs the suite, one driver for each test.
func Run(t *testing.T, open Open) {
	certs, err := newCerts()
	if err != nil {
		t.Fatalf("make certificates: %v", err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(newBench(t, open, certs)) })
	}
}

// cases are the tests, by what they are about.
var cases = slicesOf(answerCases, brokenCases, tlsCases, cancelCases, policyCases, uploadCases)

type testCase struct {
	name string
	run  func(*bench)
}

func slicesOf(groups ...[]testCase) (all []testCase) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

const (
	patience = 20 * time.Second      // for what must happen
	breath   = 10 * time.Millisecond // one turn
)

// bench is one test's driver, servers and exchanges.
type bench struct {
	*testing.T
	Harness
	certs  *certs
	names  *dial.Names
	zone   *zone
	handed map[*wire.Exchange]int // how often each was handed back since it was sent
	then   func(*wire.Exchange)   // what else is to be done with one; nil: nothing
	owner  wire.Owner             // of exchanges that nobody else owns
	closed bool
}

func newBench(t *testing.T, open Open, certs *certs) *bench {
	b := &bench{T: t, certs: certs, zone: &zone{ask: make(chan struct{}, 1)}, handed: map[*wire.Exchange]int{}}
	b.names = dial.NamesBy(b.zone.lookup)
	b.runNames()
	b.Harness = open(t, b.names, b.back)
	t.Cleanup(b.close)
	return b
}

// runNames runs the lookups until the test ends.
func (b *bench) runNames() {
	ctx, stop := context.WithCancel(context.Background())
	var g sync.WaitGroup
	g.Go(func() { b.names.Run(ctx) })
	b.Cleanup(func() {
		stop()
		g.Wait()
	})
}

// close closes the driver and looks that nothing comes after it.
func (b *bench) close() {
	if b.closed {
		return
	}
	b.closed = true
	if b.Driver.Close(); b.Driver.Open() != 0 {
		b.Errorf("%d connections are open after Close", b.Driver.Open())
	}
	for x, n := range b.handed {
		if n > 1 {
			b.Errorf("%q was handed back %d times", x.Request.Head, n)
		}
	}
}

// back is called with what was handed back.
func (b *bench) back(x *wire.Exchange) {
	b.handed[x]++
	switch {
	case b.closed:
		b.Errorf("%q was handed back after Close", x.Request.Head)
	case b.handed[x] > 1:
		b.Errorf("%q was handed back again", x.Request.Head)
	case x.Answer.End < x.Answer.Start:
		b.Errorf("%q ended at %v, before it was sent at %v", x.Request.Head, x.Answer.End, x.Answer.Start)
	}
	if b.then != nil {
		b.then(x)
	}
}

// until turns the driver until done.
func (b *bench) until(what string, done func() bool) {
	b.Helper()
	for end := time.Now().Add(patience); !done(); b.Turn(breath) {
		if time.Now().After(end) {
			b.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// hear turns the driver until a server has said something on c.
func hear[T any](b *bench, what string, c <-chan T) (heard T) {
	b.Helper()
	b.until(what, func() bool {
		select {
		case heard = <-c:
			return true
		default:
			return false
		}
	})
	return heard
}

// give turns the driver until a server has taken word on c.
func give(b *bench, c chan<- struct{}) {
	b.Helper()
	b.until("a server to go on", func() bool {
		select {
		case c <- struct{}{}:
			return true
		default:
			return false
		}
	})
}

// settle lets the driver deal with everything that is there.
func (b *bench) settle() {
	for range 3 {
		b.Turn(breath)
	}
}

// send sends r for an owner; nil: the bench's.
func (b *bench) send(r *session.Request, o *wire.Owner) *wire.Exchange {
	if o == nil {
		o = &b.owner
	}
	x := &wire.Exchange{Request: r, Owner: o}
	b.again(x)
	return x
}

// again sends an exchange that is not under way.
func (b *bench) again(x *wire.Exchange) {
	b.handed[x] = 0
	b.Driver.Send(x)
	if b.handed[x] != 0 {
		b.Errorf("%q was handed back by Send", x.Request.Head)
	}
}

// wait turns the driver until x was handed back.
func (b *bench) wait(x *wire.Exchange) *wire.Exchange {
	b.Helper()
	b.until(fmt.Sprintf("%q to be handed back", x.Request.Head), func() bool { return b.handed[x] > 0 })
	return x
}

// do sends r and waits for its end.
func (b *bench) do(r *session.Request) *wire.Exchange {
	b.Helper()
	return b.wait(b.send(r, nil))
}

// wantAnswer fails unless x has an answer of that status and body size.
func (b *bench) wantAnswer(x *wire.Exchange, status int, size int64) {
	b.Helper()
	if x.Fault != 0 {
		b.Errorf("%q: fault %d (%s), want status %d", x.Request.Head, x.Fault.Code(), x.Text, status)
		return
	}
	if x.Answer.Status != status || x.Answer.BodySize != size {
		b.Errorf("%q: status %d and %d bytes, want %d and %d", x.Request.Head, x.Answer.Status, x.Answer.BodySize, status, size)
	}
	if p := x.Phases; p.FirstByte < 0 || p.Transfer < 0 {
		b.Errorf("%q: phases %+v of an answer", x.Request.Head, p)
	}
}

// wantFault fails unless x ended with one of the kinds.
func (b *bench) wantFault(x *wire.Exchange, want ...session.FaultCode) {
	b.Helper()
	for _, w := range want {
		if x.Fault.Code() == w {
			return
		}
	}
	b.Errorf("%q: fault %d (%s), want %d", x.Request.Head, x.Fault.Code(), x.Text, want)
}

// wantOpen turns the driver until it has n connections.
func (b *bench) wantOpen(n int) {
	b.Helper()
	b.until(fmt.Sprintf("%d connections to be open", n), func() bool { return b.Driver.Open() == n })
}

// zone is where names are looked up.
type zone struct {
	mu      sync.Mutex
	holding chan struct{} // not nil: lookups wait for it
	ask     chan struct{} // told of each lookup
}

// hold makes lookups wait until the function given back is called.
func (z *zone) hold() (goOn func()) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.holding = make(chan struct{})
	return sync.OnceFunc(func() { close(z.holding) })
}

// lookup knows names that end in .here, which is where the servers are.
func (z *zone) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	z.mu.Lock()
	holding := z.holding
	z.mu.Unlock()
	select {
	case z.ask <- struct{}{}:
	default:
	}
	if holding != nil {
		select {
		case <-holding:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if strings.HasSuffix(host, ".here") {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// option changes a transport.
type option func(*hyperscale.Transport)

func policy(p hyperscale.ConnPolicy) option {
	return func(t *hyperscale.Transport) { t.Connections = p }
}

// origin makes the origin of a server under a name for it.
func origin(scheme, host string, port int, options ...option) *session.Origin {
	t := &hyperscale.Transport{HTTP: 1, Connections: hyperscale.ConnPerVU}
	for _, set := range options {
		set(t)
	}
	o := &session.Origin{Scheme: scheme, Host: host, Port: fmt.Sprint(port), Transport: t}
	o.Key = fmt.Sprintf("%s %s %s %+v", scheme, host, o.Port, *t)
	return o
}

// get makes a request without a body.
func get(o *session.Origin, path string) *session.Request {
	return request(o, "GET", path, nil)
}

func request(o *session.Origin, method, path string, body []byte) *session.Request {
	head := method + " " + path + " HTTP/1.1\r\nHost: " + o.Host + "\r\n"
	if body != nil {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return &session.Request{Origin: o, Head: []byte(head + "\r\n"), Body: body, NoBody: method == "HEAD"}
}
