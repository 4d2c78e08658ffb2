package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"hyperscale"
)

// Authority issues certificates. One kind issues identities, the other those of
// store members, which must name hosts; neither issues the other's, so a worker
// with all its certificates is nobody to the store.
type Authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	store bool
}

// Pair is a certificate with its private key, both as PEM.
type Pair struct{ Cert, Key []byte }

// early is how long before its making a certificate is valid, for clocks that
// are behind.
const early = 5 * time.Minute

// NewAuthority makes an authority for the identities of a cluster.
func NewAuthority(cluster, env string, now time.Time, valid time.Duration) (*Authority, error) {
	domain, err := Domain(cluster, env)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	return newAuthority(domain, &url.URL{Scheme: "spiffe", Host: domain}, now, valid)
}

// NewStoreAuthority makes an authority for the members of the store.
func NewStoreAuthority(cluster, env string, now time.Time, valid time.Duration) (*Authority, error) {
	domain, err := Domain(cluster, env)
	if err != nil {
		return nil, fmt.Errorf("making an authority for the store: %w", err)
	}
	return newAuthority(domain+" store", nil, now, valid)
}

func newAuthority(name string, uri *url.URL, now time.Time, valid time.Duration) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	want, err := template(name, now, valid)
	if err != nil {
		return nil, err
	}
	want.IsCA, want.BasicConstraintsValid, want.MaxPathLenZero = true, true, true
	want.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	if uri != nil {
		want.URIs = []*url.URL{uri}
	}
	der, err := x509.CreateCertificate(rand.Reader, want, want, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making an authority: %w", err)
	}
	return &Authority{cert: cert, key: key, store: uri == nil}, nil
}

// ParseAuthority reads an authority as [Authority.Pair] gave it.
func ParseAuthority(p Pair) (*Authority, error) {
	certBlock, _ := pem.Decode(p.Cert)
	keyBlock, _ := pem.Decode(p.Key)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("reading an authority: certificate or key is not PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading an authority's certificate: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading an authority's key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("reading an authority: the key is not that of the certificate")
	}
	if !cert.IsCA {
		return nil, errors.New("reading an authority: the certificate is not one of an authority")
	}
	return &Authority{cert: cert, key: key, store: len(cert.URIs) == 0}, nil
}

// Pair is the authority's own certificate and key.
func (a *Authority) Pair() (Pair, error) { return encode(a.cert.Raw, a.key) }

// Domain is the cluster and environment that the authority's identities are of:
// cluster.environment. That of a store is "".
func (a *Authority) Domain() string {
	if a.store {
		return ""
	}
	return a.cert.URIs[0].Host
}

// Until is when the authority, and all that it issued, ends.
func (a *Authority) Until() time.Time { return a.cert.NotAfter }

// Issue makes the certificate of a node or client of the authority's cluster.
// It never outlives the authority.
func (a *Authority) Issue(id ID, now time.Time, valid time.Duration) (Pair, error) {
	if err := id.Check(); err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate: %w", err)
	}
	if a.Domain() != id.Domain() {
		return Pair{}, fmt.Errorf("issuing a certificate for %s: the authority is that of %s", id, a.cert.Subject.CommonName)
	}
	want, err := template(id.Who(), now, valid)
	if err != nil {
		return Pair{}, err
	}
	want.URIs = []*url.URL{{Scheme: "spiffe", Host: id.Domain(), Path: "/" + id.path()}}
	return a.sign(want)
}

// IssueStore makes the certificate of a store member that is reached under the
// names and addresses given.
func (a *Authority) IssueStore(node hyperscale.NodeID, hosts []string, now time.Time, valid time.Duration) (Pair, error) {
	if !a.store {
		return Pair{}, fmt.Errorf("issuing a certificate for the store member %s: the authority issues identities; the store has its own", node)
	}
	if len(hosts) == 0 {
		return Pair{}, fmt.Errorf("issuing a certificate for the store member %s: name at least one host or address", node)
	}
	want, err := template("store member "+string(node), now, valid)
	if err != nil {
		return Pair{}, err
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			want.IPAddresses = append(want.IPAddresses, ip)
		} else {
			want.DNSNames = append(want.DNSNames, host)
		}
	}
	return a.sign(want)
}

func (a *Authority) sign(want *x509.Certificate) (Pair, error) {
	if want.NotAfter.After(a.cert.NotAfter) {
		want.NotAfter = a.cert.NotAfter
	}
	want.KeyUsage = x509.KeyUsageDigitalSignature
	want.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	want.BasicConstraintsValid = true
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, want, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("issuing a certificate: %w", err)
	}
	return encode(der, key)
}

func template(name string, now time.Time, valid time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"hyperscale"}, CommonName: name},
		NotBefore:    now.Add(-early),
		NotAfter:     now.Add(valid),
	}, nil
}

func encode(cert []byte, key *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("writing a private key: %w", err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

// Write puts the pair into two files, the key readable by its owner alone. Each
// file is replaced as a whole; the key comes first, so that whoever looks at the
// files in between finds a pair that does not fit and looks again.
func (p Pair) Write(certFile, keyFile string) error {
	if err := replace(keyFile, p.Key, 0o600); err != nil {
		return fmt.Errorf("writing a private key: %w", err)
	}
	if err := replace(certFile, p.Cert, 0o644); err != nil {
		return fmt.Errorf("writing a certificate: %w", err)
	}
	return nil
}

// WriteTrusted writes the certificates of authorities into a file, which is
// replaced as a whole.
func WriteTrusted(file string, certs []byte) error {
	if err := replace(file, certs, 0o644); err != nil {
		return fmt.Errorf("writing whom to trust: %w", err)
	}
	return nil
}

func replace(name string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
