package station_test

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/store/etcdstore"
)

// shop is a cluster's authorities, and where their certificates go.
type shop struct {
	who, store *identity.Authority
	dir        string
}

func open(t *testing.T) shop {
	t.Helper()
	who, err := identity.NewAuthority("hs", "test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	store, err := identity.NewStoreAuthority("hs", "test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return shop{who, store, t.TempDir()}
}

// file is a pair on disk beside its authority.
func (s shop) file(t *testing.T, name string, a *identity.Authority, p identity.Pair, err error) identity.Files {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	at := func(end string) string { return filepath.Join(s.dir, name+end) }
	f := identity.Files{Cert: at(".crt"), Key: at(".key"), Authorities: at("-ca.crt")}
	own, err := a.Pair()
	if err == nil {
		err = identity.WriteTrusted(f.Authorities, own.Cert)
	}
	if err == nil {
		err = p.Write(f.Cert, f.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// of gives an identity its certificate, for so long.
func (s shop) of(t *testing.T, id identity.ID, valid time.Duration) (*identity.Source, identity.Files) {
	t.Helper()
	a := s.who
	if id.Domain() != a.Domain() {
		var err error
		if a, err = identity.NewAuthority(id.Cluster, id.Env, time.Now(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	p, err := a.Issue(id, time.Now(), valid)
	f := s.file(t, strings.ReplaceAll(id.Domain()+id.Who(), " ", "-"), a, p, err)
	source, err := identity.Load(f, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return source, f
}

// secured is a node with certificates for calls and for the store.
func (s shop) secured(t *testing.T, of identity.Role, name string) (cfg station.Config, certificate identity.Files) {
	t.Helper()
	cfg = config(t, of, name)
	cfg.Certificates, certificate = s.of(t, cfg.Self, time.Hour)
	p, err := s.store.IssueStore(cfg.Self.Node, []string{"127.0.0.1"}, time.Now(), time.Hour)
	f := s.file(t, name+"-store", s.store, p, err)
	cfg.Store.TLS = etcdstore.TLS{Certificate: f.Cert, Key: f.Key, Authority: f.Authorities}
	return cfg, certificate
}

func client(cluster, env, name string) identity.ID {
	return identity.ID{Cluster: cluster, Env: env, Role: identity.Client, Tenant: "team", Name: name}
}

func TestACertifiedNode(t *testing.T) { forBoth(t, testACertifiedNode) }

func testACertifiedNode(t *testing.T, of identity.Role) {
	s := open(t)
	cfg, _ := s.secured(t, of, "m1")
	m := start(t, cfg)
	m.mustServe(t)
	works, workerFiles := s.of(t, child(of, "fra"), time.Hour)
	attach(t, cfg.At.Listen, rpc.Dialing{Certificates: works}, 2)
	ada, _ := s.of(t, client("hs", "test", "ada"), time.Hour)
	until(t, "the worker is not seen", func() error {
		members, err := dial(t, cfg.At.Listen, rpc.Dialing{Certificates: ada}).Members(soon(t))
		if err != nil || len(members) != 2 || members[1].Node != "w1" || of == identity.Manager && members[1].Cores != 2 {
			return fmt.Errorf("members: %+v, %w", members, err)
		}
		return nil
	})
	s.refuses(t, m, cfg)

	// What a worker has is of no use at the port of the store's members.
	pair, err := tls.LoadX509KeyPair(workerFiles.Cert, workerFiles.Key)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", cfg.At.Store, &tls.Config{
		InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
	})
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // in TLS 1.3 the client hears of it now
		conn.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "bad certificate") && !strings.Contains(err.Error(), "unknown certificate authority") {
		t.Errorf("a worker at the store's port: %v", err)
	}
	until(t, "that is not logged", func() error {
		if !strings.Contains(m.log.String(), "rejected connection") {
			return fmt.Errorf("the log is\n%s", m.log)
		}
		return nil
	})
}

// refuses shows that whoever is not of the cluster is refused with a reason, which
// is logged with the address, and counted.
func (s shop) refuses(t *testing.T, m *running, cfg station.Config) {
	t.Helper()
	stranger := shop{dir: t.TempDir()}
	var err error
	if stranger.who, err = identity.NewAuthority("hs", "test", time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	dialing := func(s shop, id identity.ID, valid time.Duration) rpc.Dialing {
		source, _ := s.of(t, id, valid)
		return rpc.Dialing{Certificates: source}
	}
	for what, d := range map[string]rpc.Dialing{
		"another cluster":     dialing(s, client("other", "test", "eve"), time.Hour),
		"another environment": dialing(s, client("hs", "prod", "eve"), time.Hour),
		"another authority":   dialing(stranger, client("hs", "test", "eve"), time.Hour),
		"no child of it":      dialing(s, identity.ID{Cluster: "hs", Env: "test", Role: identity.Worker, DC: "nyc", Node: "w1"}, time.Hour),
		"an expired one":      dialing(s, client("hs", "test", "late"), -time.Minute),
		"none":                {Self: client("hs", "test", "eve")},
	} {
		before := len(m.log.String())
		if _, err := dial(t, cfg.At.Listen, d).Members(soon(t)); err == nil {
			t.Errorf("%s: it came in", what)
		}
		until(t, what+" is not logged", func() error {
			if since := m.log.String()[before:]; !strings.Contains(since, "was refused") || !strings.Contains(since, "from=127.0.0.1:") || !strings.Contains(since, "reason=") {
				return fmt.Errorf("the log says %s", since)
			}
			return nil
		})
	}
	peer := self(cfg.Self.Role, "m2")
	call, err := dial(t, cfg.At.Listen, dialing(s, peer, time.Hour)).Attach(soon(t))
	if err == nil {
		_, err = call.Recv()
	}
	if rpc.KindOf(err) != rpc.Unauthorized {
		t.Errorf("one of the same tier attaches: %v", err)
	}
	_, body := get(t, cfg.At.HTTP, "/metrics")
	for _, want := range []string{`calls_refused_total{of="handshake"}`, `calls_refused_total{of="Link/Attach Unauthorized"} 1`} {
		if !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("it was not counted: %s in\n%s", want, body)
		}
	}
}

// Without certificates, too, nobody of another cluster or environment comes in.
func TestClusterAndEnvironmentAreCheckedWithoutCertificates(t *testing.T) {
	forBoth(t, testClusterAndEnvironmentAreCheckedWithoutCertificates)
}

func testClusterAndEnvironmentAreCheckedWithoutCertificates(t *testing.T, of identity.Role) {
	cfg := config(t, of, "m1")
	m := start(t, cfg)
	m.mustServe(t)
	for _, id := range []identity.ID{client("other", "test", "eve"), client("hs", "prod", "eve")} {
		_, err := dial(t, cfg.At.Listen, rpc.Dialing{Self: id}).Members(soon(t))
		if rpc.KindOf(err) != rpc.WrongCluster || !strings.Contains(err.Error(), id.Env) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if !strings.Contains(m.log.String(), "from=127.0.0.1:") {
		t.Errorf("the log does not say who called:\n%s", m.log)
	}
}

// What is replaced on the disk is taken by the next connection.
func TestCertificatesAreTakenWithoutARestart(t *testing.T) {
	forBoth(t, testCertificatesAreTakenWithoutARestart)
}

func testCertificatesAreTakenWithoutARestart(t *testing.T, of identity.Role) {
	s := open(t)
	cfg, files := s.secured(t, of, "m1")
	m := start(t, cfg)
	m.mustServe(t)
	serial := func() string {
		source, _ := s.of(t, client("hs", "test", "ada"), time.Hour)
		svid, err := source.GetX509SVID()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", cfg.At.Listen, &tls.Config{
			InsecureSkipVerify: true, NextProtos: []string{"h2"},
			Certificates: []tls.Certificate{{Certificate: [][]byte{svid.Certificates[0].Raw}, PrivateKey: svid.PrivateKey}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	p, err := s.who.Issue(cfg.Self, time.Now(), 2*time.Hour)
	if err == nil {
		err = p.Write(files.Cert, files.Key)
	}
	if err != nil {
		t.Fatal(err)
	}
	if serial() == before {
		t.Error("the old certificate is shown still")
	}
	if !strings.Contains(m.log.String(), "certificates read again") && cfg.Certificates.Fault() != nil {
		t.Error(cfg.Certificates.Fault())
	}
	wrong := cfg
	wrong.Self.Node = "m2"
	if _, err := node(wrong, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), string(of)+"/m1") {
		t.Errorf("with another's certificate: %v", err)
	}
}
