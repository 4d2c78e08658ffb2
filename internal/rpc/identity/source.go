package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// Files are where a node's certificate, its key and its cluster's authorities
// (one certificate, or several while one follows another) are kept.
type Files struct{ Cert, Key, Authorities string }

// Source gives the newest certificates of the files. At each handshake it looks
// whether they changed; what can't be read or does not fit together is logged
// once, and the last good ones stay in use. It is safe for concurrent use.
type Source struct {
	files Files
	log   *slog.Logger

	mu     sync.Mutex
	stamp  stamp
	svid   *x509svid.SVID
	bundle *x509bundle.Bundle
	id     ID
	fault  error
}

// stamp tells one state of the files from another.
type stamp [3]struct {
	changed time.Time
	size    int64
}

// Load reads the files. They must be good the first time.
func Load(files Files, log *slog.Logger) (*Source, error) {
	s := &Source{files: files, log: log}
	now, err := s.look()
	if err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	s.stamp = now
	return s, nil
}

// ID is who the certificate says that we are.
func (s *Source) ID() ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.id
}

// Expires is when the certificate in use ends.
func (s *Source) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.svid.Certificates[0].NotAfter
}

// Fault is why the files as they are now can't be used; nil: they can.
func (s *Source) Fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.fault
}

// GetX509SVID gives the certificate; the TLS configurations ask for it at each
// handshake.
func (s *Source) GetX509SVID() (*x509svid.SVID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.svid, nil
}

// GetX509BundleForTrustDomain gives the authorities of the cluster, and an error
// for any other.
func (s *Source) GetX509BundleForTrustDomain(domain spiffeid.TrustDomain) (*x509bundle.Bundle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	return s.bundle.GetX509BundleForTrustDomain(domain)
}

// refresh reads the files again if they changed.
func (s *Source) refresh() {
	now, err := s.look()
	if err == nil && now == s.stamp {
		return
	}
	if err == nil {
		err = s.read()
	}
	switch {
	case err == nil:
		s.log.Info("certificates read again", "identity", s.id.String(), "until", s.svid.Certificates[0].NotAfter)
	case s.fault == nil || s.stamp != now:
		s.log.Warn("certificates changed and can't be used; the last good ones stay in use", "error", err)
	}
	s.stamp, s.fault = now, err
}

func (s *Source) look() (stamp, error) {
	var now stamp
	for i, name := range []string{s.files.Cert, s.files.Key, s.files.Authorities} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp{}, fmt.Errorf("looking at certificates: %w", err)
		}
		now[i].changed, now[i].size = info.ModTime(), info.Size()
	}
	return now, nil
}

func (s *Source) read() error {
	svid, err := x509svid.Load(s.files.Cert, s.files.Key)
	if err != nil {
		return fmt.Errorf("reading the certificate %s and its key: %w", s.files.Cert, err)
	}
	id, err := Parse(svid.ID.String())
	if err != nil {
		return fmt.Errorf("reading the certificate %s: %w", s.files.Cert, err)
	}
	bundle, err := x509bundle.Load(svid.ID.TrustDomain(), s.files.Authorities)
	if err != nil {
		return fmt.Errorf("reading the authorities %s: %w", s.files.Authorities, err)
	}
	if s.svid != nil && id != s.id {
		return fmt.Errorf("the certificate %s is that of %s now; a node keeps its identity %s until it is started again", s.files.Cert, id, s.id)
	}
	s.svid, s.bundle, s.id = svid, bundle, id
	return nil
}

// ServerTLS asks every caller for a certificate of the same cluster that admit
// lets pass.
func ServerTLS(s *Source, admit func(ID) error) *tls.Config {
	return strict(tlsconfig.MTLSServerConfig(s, s, authorizer(admit)))
}

// ClientTLS shows our certificate and wants one of the same cluster that admit
// lets pass.
func ClientTLS(s *Source, admit func(ID) error) *tls.Config {
	return strict(tlsconfig.MTLSClientConfig(s, s, authorizer(admit)))
}

// strict leaves out resumed sessions: in them nobody looks at certificates, so
// one that is no longer trusted would be let in.
func strict(c *tls.Config) *tls.Config {
	c.MinVersion = tls.VersionTLS13
	c.SessionTicketsDisabled = true
	return c
}

func authorizer(admit func(ID) error) tlsconfig.Authorizer {
	return func(name spiffeid.ID, _ [][]*x509.Certificate) error {
		id, err := Parse(name.String())
		if err != nil {
			return err
		}
		return admit(id)
	}
}

// Of gives the identity in a peer's certificate, as the handshake checked it.
func Of(state tls.ConnectionState) (ID, error) {
	if len(state.PeerCertificates) == 0 {
		return ID{}, fmt.Errorf("the peer showed no certificate")
	}
	name, err := x509svid.IDFromCert(state.PeerCertificates[0])
	if err != nil {
		return ID{}, fmt.Errorf("reading the peer's identity: %w", err)
	}
	return Parse(name.String())
}

// Sign signs a text with our key. The chain, certificates in DER with ours first,
// lets others of the cluster know whose it is.
func (s *Source) Sign(text []byte) (chain [][]byte, signature []byte, err error) {
	svid, err := s.GetX509SVID()
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(text)
	if signature, err = svid.PrivateKey.Sign(rand.Reader, sum[:], crypto.SHA256); err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	for _, c := range svid.Certificates {
		chain = append(chain, c.Raw)
	}
	return chain, signature, nil
}

// Verify tells who of our cluster signed a text.
func (s *Source) Verify(text []byte, chain [][]byte, signature []byte) (ID, error) {
	name, _, err := x509svid.ParseAndVerify(chain, s)
	if err != nil {
		return ID{}, fmt.Errorf("verifying a signature: %w", err)
	}
	cert, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return ID{}, fmt.Errorf("verifying a signature: %w", err)
	}
	how := x509.ECDSAWithSHA256
	if cert.PublicKeyAlgorithm == x509.RSA {
		how = x509.SHA256WithRSA
	}
	if err := cert.CheckSignature(how, text, signature); err != nil {
		return ID{}, fmt.Errorf("verifying a signature of %s: %w", name, err)
	}
	return Parse(name.String())
}
