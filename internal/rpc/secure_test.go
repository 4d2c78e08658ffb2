package rpc

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/link"
	"hyperscale/internal/rpc/identity"
)

// certified gives an identity its certificates, as an authority issued them.
func certified(t *testing.T, a *identity.Authority, id identity.ID) *identity.Source {
	t.Helper()
	dir := t.TempDir()
	files := identity.Files{Cert: filepath.Join(dir, "n.pem"), Key: filepath.Join(dir, "n.key"), Authorities: filepath.Join(dir, "a.pem")}
	own, err := a.Pair()
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Write(files.Authorities, filepath.Join(dir, "a.key")); err != nil {
		t.Fatal(err)
	}
	p, err := a.Issue(id, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(files.Cert, files.Key); err != nil {
		t.Fatal(err)
	}
	source, err := identity.Load(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func authority(t *testing.T) *identity.Authority {
	t.Helper()
	a, err := identity.NewAuthority(manager.Cluster, manager.Env, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func serveSecure(t *testing.T, a *identity.Authority, n *node, limits Limits) *running {
	return serve(t, n, limits, func(c *ServerConfig, d *ServerDeps) {
		c.Self, d.Certificates = identity.ID{}, certified(t, a, manager)
	})
}

func TestCallersAreKnownByTheirCertificates(t *testing.T) {
	a := authority(t)
	var who Caller
	n := &node{
		submit: func(c Caller, _ Submission) (Accepted, error) { who = c; return Accepted{Job: "7"}, nil },
		attach: func(_ context.Context, c Caller, s AttachStream) error {
			who = c
			return s.Send(link.Word{Seq: 1})
		},
	}
	r := serveSecure(t, a, n, Limits{})
	client := dial(t, r.address, Dialing{Certificates: certified(t, a, as(identity.Client))})
	if _, err := client.Submit(soon(t), Submission{Key: "k", Spec: []byte("p")}); err != nil {
		t.Fatal(err)
	}
	if who.ID != as(identity.Client) || !who.Proved {
		t.Errorf("the client is known as %+v", who)
	}
	worker := dial(t, r.address, Dialing{Certificates: certified(t, a, as(identity.Worker))})
	attach, err := worker.Attach(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attach.Recv(); err != nil || who.ID != as(identity.Worker) {
		t.Errorf("the worker is known as %+v, %v", who, err)
	}
	if _, err := worker.Get(soon(t), "7"); KindOf(err) != Unauthorized {
		t.Errorf("a worker asks for a job: %v", err)
	}
	worker.self = as(identity.Manager) // says so, and can't prove it
	if _, err := worker.Peer().Offer(soon(t), link.Offer{Job: "7"}); KindOf(err) != Unauthenticated {
		t.Errorf("a worker says that it is a manager: %v", err)
	}
}

// Who is not of the cluster is refused in the handshake: the caller hears that
// it is of no use to try again, and the node logs the address and counts.
func TestStrangersAreRefused(t *testing.T) {
	a, other := authority(t), authority(t)
	r := serveSecure(t, a, &node{}, Limits{})
	far := as(identity.Worker)
	far.DC = "nyc"
	tables := map[string]Dialing{
		"of another authority":  {Certificates: certified(t, other, as(identity.Client))},
		"of another datacenter": {Certificates: certified(t, a, far)},
	}
	for name, d := range tables {
		_, err := dial(t, r.address, d).Get(soon(t), "7")
		if KindOf(err) != Unauthenticated || strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "desc =") {
			t.Errorf("%s: %v", name, err)
		}
	}
	plain := dial(t, r.address, Dialing{Self: as(identity.Client)})
	if _, err := plain.Get(soon(t), "7"); err == nil {
		t.Error("without a certificate a call came through")
	}
	r.stop() // whatever was under way has been counted
	if r.count("refused", "handshake") == 0 {
		t.Error("no refusal was counted")
	}
	if log := r.log.String(); !strings.Contains(log, "from=127.0.0.1:") || !strings.Contains(log, "does not take the certificate") || strings.Contains(log, "bad certificate") {
		t.Errorf("the log does not say who called, and why not:\n%s", log)
	}
}

func TestConnectionsOfOneIdentity(t *testing.T) {
	a := authority(t)
	r := serveSecure(t, a, &node{}, Limits{PerIdentity: 2, Turnaway: time.Minute})
	eve := certified(t, a, as(identity.Client))
	for i := range 3 {
		_, err := dial(t, r.address, Dialing{Certificates: eve}).Get(soon(t), "7")
		var e *Error
		if told := errors.As(err, &e) && e.Kind == Overloaded && e.Retry > 0; told != (i == 2) {
			t.Errorf("connection %d of two: %v", i+1, err)
		}
	}
	peer := dial(t, r.address, Dialing{Certificates: certified(t, a, as(identity.Manager))})
	if _, err := peer.Get(soon(t), "7"); err != nil {
		t.Errorf("another identity: %v", err)
	}
}

func TestWithoutCertificatesNobodyListensOrCallsFar(t *testing.T) {
	n := &node{}
	server, err := NewServer(ServerConfig{Self: manager}, ServerDeps{Log: slog.New(slog.DiscardHandler), Jobs: n})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Run(soon(t), listener); KindOf(err) != Invalid || !strings.Contains(err.Error(), "certificates") {
		t.Errorf("listening everywhere: %v", err)
	}
	for address, may := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true,
		"10.0.0.1:1": false, "example.org:1": false, "127.0.0.1": false,
	} {
		c, err := Dial(address, Dialing{Self: manager})
		if may != (err == nil) {
			t.Errorf("calling %s: %v", address, err)
		}
		if c != nil {
			c.Close()
		}
	}
	if _, err := Dial("127.0.0.1:1", Dialing{}); err == nil {
		t.Error("nobody calls")
	}
	if _, err := NewServer(ServerConfig{Self: as(identity.Worker)}, ServerDeps{}); err == nil {
		t.Error("a worker takes calls")
	}
}

func TestWhoHasNoCertificatesHearsWhatIsWanted(t *testing.T) {
	r := serveSecure(t, authority(t), &node{}, Limits{})
	plain := dial(t, r.address, Dialing{Self: as(identity.Client)})
	_, err := plain.List(soon(t), Query{})
	if KindOf(err) != Unauthenticated || !strings.Contains(err.Error(), "wants certificates") || !strings.Contains(err.Error(), "--cert") {
		t.Errorf("without certificates: %v", err)
	}
	attach, err := dial(t, r.address, Dialing{Self: as(identity.Worker)}).Attach(soon(t))
	if err == nil {
		_, err = attach.Recv()
	}
	if KindOf(err) != Unauthenticated {
		t.Errorf("a worker without certificates: %v", err)
	}

	open := serve(t, &node{}, Limits{}, func(*ServerConfig, *ServerDeps) {})
	certified := dial(t, open.address, Dialing{Certificates: certified(t, authority(t), as(identity.Client))})
	_, err = certified.List(soon(t), Query{})
	if KindOf(err) != Unauthenticated || !strings.Contains(err.Error(), "takes no certificates") {
		t.Errorf("with certificates, to who takes none: %v", err)
	}
}
