package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	manager = ID{Cluster: "hs", Env: "dev", Role: Manager, DC: "fra", Node: "m1"}
	worker  = ID{Cluster: "hs", Env: "dev", Role: Worker, DC: "fra", Node: "w1"}
)

// house is a folder with an authority and what it issued.
type house struct {
	t         *testing.T
	dir       string
	authority *Authority
	log       bytes.Buffer
	written   int
}

func newHouse(t *testing.T) *house {
	h := &house{t: t, dir: t.TempDir()}
	h.authority = h.newAuthority(h.authorities())
	return h
}

func (h *house) authorities() string { return filepath.Join(h.dir, "authorities.pem") }

func (h *house) newAuthority(file string) *Authority {
	h.t.Helper()
	a, err := NewAuthority("hs", "dev", time.Now(), time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	own, err := a.Pair()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := own.Write(file, filepath.Join(h.dir, "authority.key")); err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *house) files(id ID) Files {
	name := filepath.Join(h.dir, string(id.Role))
	return Files{Cert: name + ".pem", Key: name + ".key", Authorities: h.authorities()}
}

// issue writes a certificate, and gives its file a time of its own however
// coarse the clock of the file system is.
func (h *house) issue(a *Authority, id ID, valid time.Duration) {
	h.t.Helper()
	p, err := a.Issue(id, time.Now(), valid)
	if err != nil {
		h.t.Fatal(err)
	}
	f := h.files(id)
	if err := p.Write(f.Cert, f.Key); err != nil {
		h.t.Fatal(err)
	}
	h.written++
	at := time.Now().Add(time.Duration(h.written) * time.Second)
	if err := os.Chtimes(f.Cert, at, at); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) source(id ID) *Source {
	h.t.Helper()
	s, err := Load(h.files(id), slog.New(slog.NewTextHandler(&h.log, nil)))
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// meet lets a client and a server shake hands and gives what each makes of it.
func meet(client, server *tls.Config) error {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		err := tls.Server(a, server).Handshake()
		a.Close()
		done <- err
	}()
	c := tls.Client(b, client)
	err := c.Handshake()
	if err == nil {
		_, err = c.Read(make([]byte, 1)) // a refused certificate is told after the handshake
		if errors.Is(err, net.ErrClosed) || err != nil && strings.Contains(err.Error(), "EOF") {
			err = nil
		}
	}
	b.Close()
	return errors.Join(err, <-done)
}

func anybody(ID) error { return nil }

func TestNodesOfOneClusterMeet(t *testing.T) {
	h := newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	h.issue(h.authority, worker, time.Hour)
	m, w := h.source(manager), h.source(worker)
	if m.ID() != manager || w.ID() != worker {
		t.Fatalf("they are %s and %s", m.ID(), w.ID())
	}
	seen := ID{}
	admit := func(from ID) error { seen = from; return MayCall(from, manager) }
	if err := meet(ClientTLS(w, anybody), ServerTLS(m, admit)); err != nil {
		t.Fatal(err)
	}
	if seen != worker {
		t.Errorf("the server saw %s", seen)
	}
}

// In a resumed session nobody looks at certificates, so there are none.
func TestSessionsAreNotResumed(t *testing.T) {
	h := newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	s := h.source(manager)
	for _, c := range []*tls.Config{ServerTLS(s, anybody), ClientTLS(s, anybody)} {
		if !c.SessionTicketsDisabled || c.MinVersion != tls.VersionTLS13 {
			t.Error("sessions may be resumed, or be of an older version")
		}
	}
}

func TestStrangersDoNotMeet(t *testing.T) {
	h, other := newHouse(t), newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	h.issue(h.authority, worker, time.Hour)
	other.issue(other.authority, worker, time.Hour)
	m := h.source(manager)
	tables := map[string]struct{ client, server *tls.Config }{
		"another authority":      {ClientTLS(other.source(worker), anybody), ServerTLS(m, anybody)},
		"not admitted":           {ClientTLS(h.source(worker), anybody), ServerTLS(m, func(ID) error { return errors.New("no") })},
		"a server not wanted":    {ClientTLS(h.source(worker), func(ID) error { return errors.New("no") }), ServerTLS(m, anybody)},
		"no certificate":         {&tls.Config{InsecureSkipVerify: true}, ServerTLS(m, anybody)},
		"an older version":       {&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}, ServerTLS(m, anybody)},
		"a server of another CA": {ClientTLS(h.source(worker), anybody), ServerTLS(other.source(worker), anybody)},
	}
	for name, tt := range tables {
		if err := meet(tt.client, tt.server); err == nil {
			t.Errorf("%s: they met", name)
		}
	}
	h.issue(h.authority, worker, -time.Minute)
	if err := meet(ClientTLS(h.source(worker), anybody), ServerTLS(m, anybody)); err == nil {
		t.Error("a certificate that is over was taken")
	}
}

// A certificate, and then the authority, are replaced while the node runs.
func TestCertificatesAreReadAgain(t *testing.T) {
	h := newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	h.issue(h.authority, worker, time.Hour)
	m, w := h.source(manager), h.source(worker)
	client, server := ClientTLS(w, anybody), ServerTLS(m, anybody)
	before := m.Expires()
	h.issue(h.authority, manager, 30*time.Minute)
	if after := m.Expires(); !after.Before(before) {
		t.Error("the new certificate is not used")
	}

	// The new authority is added to the old one, then all get new certificates.
	old, err := os.ReadFile(h.authorities())
	if err != nil {
		t.Fatal(err)
	}
	next := h.newAuthority(filepath.Join(h.dir, "next.pem"))
	added, err := os.ReadFile(filepath.Join(h.dir, "next.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.authorities(), append(old, added...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := meet(client, server); err != nil {
		t.Errorf("with both authorities: %v", err)
	}
	h.issue(next, worker, time.Hour)
	if err := meet(client, server); err != nil {
		t.Errorf("a certificate of the new authority: %v", err)
	}
	if err := os.WriteFile(h.authorities(), added, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := meet(client, server); err == nil {
		t.Error("the manager's certificate of the old authority is still taken")
	}
}

func TestBadFilesLeaveTheLastGoodOnes(t *testing.T) {
	h := newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	s := h.source(manager)
	expires := s.Expires()
	f := h.files(manager)
	good, err := os.ReadFile(f.Cert)
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range []string{"", "rubbish, and long"} {
		if err := os.WriteFile(f.Cert, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if s.Fault() == nil || s.Expires() != expires || s.ID() != manager {
				t.Errorf("with %q: fault %v, until %s", bad, s.Fault(), s.Expires())
			}
		}
		if got := strings.Count(h.log.String(), "can't be used"); got != i+1 {
			t.Errorf("the fault was logged %d times, want %d", got, i+1)
		}
	}
	if err := os.Remove(f.Cert); err != nil {
		t.Fatal(err)
	}
	if s.Fault() == nil || s.Expires() != expires {
		t.Error("a missing file is no fault, or ends the certificate in use")
	}
	if err := os.WriteFile(f.Cert, good, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Fault(); err != nil {
		t.Errorf("mended files: %v", err)
	}

	other := manager
	other.Node = "m2"
	h.issue(h.authority, other, time.Hour)
	if err := s.Fault(); err == nil || !strings.Contains(err.Error(), "m2") || s.ID() != manager {
		t.Errorf("the node became another: %v", err)
	}
}

func TestKeysAreForTheirOwnerAlone(t *testing.T) {
	h := newHouse(t)
	h.issue(h.authority, manager, time.Hour)
	info, err := os.Stat(h.files(manager).Key)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v", info.Mode())
	}
	if err := (Pair{}).Write(filepath.Join(h.dir, "no", "such"), filepath.Join(h.dir, "no", "such.key")); err == nil {
		t.Error("writing into no folder is no error")
	}
}

func TestAuthorities(t *testing.T) {
	now := time.Now()
	ids, err := NewAuthority("hs", "dev", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ids.Pair()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseAuthority(own)
	if err != nil {
		t.Fatal(err)
	}
	p, err := back.Issue(worker, now, 48*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if leaf := certificate(t, p); leaf.NotAfter.After(ids.cert.NotAfter) || leaf.IsCA {
		t.Errorf("the certificate outlives its authority or is one: %v", leaf.NotAfter)
	}
	if _, err := ParseAuthority(p); err == nil {
		t.Error("a worker's certificate is taken for an authority")
	}
	if _, err := ParseAuthority(Pair{own.Cert, p.Key}); err == nil {
		t.Error("a key of another certificate is taken")
	}
	stranger := worker
	stranger.Env = "prod"
	if _, err := ids.Issue(stranger, now, time.Hour); err == nil {
		t.Error("an identity of another environment was issued")
	}
	if _, err := ids.Issue(ID{}, now, time.Hour); err == nil {
		t.Error("nobody was issued a certificate")
	}
	if _, err := NewAuthority("h s", "dev", now, time.Hour); err == nil {
		t.Error("an authority of a name that can't be")
	}
}

// The store's members have an authority of their own: who is somebody to the
// cluster is nobody to the store.
func TestTheStoreTrustsNoWorker(t *testing.T) {
	now := time.Now()
	ids, err := NewAuthority("hs", "dev", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	store, err := NewStoreAuthority("hs", "dev", now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Issue(worker, now, time.Hour); err == nil {
		t.Error("the store's authority issued an identity")
	}
	if _, err := ids.IssueStore("m1", []string{"127.0.0.1"}, now, time.Hour); err == nil {
		t.Error("the authority of identities issued a member of the store")
	}
	if _, err := store.IssueStore("m1", nil, now, time.Hour); err == nil {
		t.Error("a member of the store without an address")
	}
	member, err := store.IssueStore("m1", []string{"127.0.0.1", "m1.fra"}, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(store.cert)
	check := func(p Pair) error {
		_, err := certificate(t, p).Verify(x509.VerifyOptions{Roots: trusted, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
	if err := check(member); err != nil {
		t.Errorf("the store refuses its member: %v", err)
	}
	if leaf := certificate(t, member); leaf.VerifyHostname("127.0.0.1") != nil || leaf.VerifyHostname("m1.fra") != nil {
		t.Error("the member's certificate does not name its addresses")
	}
	p, err := ids.Issue(worker, now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if check(p) == nil {
		t.Error("the store takes a worker's certificate")
	}
}

func certificate(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
