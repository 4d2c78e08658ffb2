package wiretest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"hyperscale"
)

// certs are what the servers show.
type certs struct {
	ca      *x509.Certificate
	key     *ecdsa.PrivateKey
	pem     []byte // of ca
	good    tls.Certificate
	expired tls.Certificate
	other   tls.Certificate // for another name
	client  tls.Certificate
}

func newCerts() (*certs, error) {
	c := &certs{}
	var err error
	if c.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wiretest"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &c.key.PublicKey, c.key)
	if err != nil {
		return nil, err
	}
	if c.ca, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	c.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for _, leaf := range []struct {
		to   *tls.Certificate
		name string
		ends time.Time
	}{
		{&c.good, "good.here", now.Add(time.Hour)},
		{&c.expired, "good.here", now.Add(-time.Hour)},
		{&c.other, "other.here", now.Add(time.Hour)},
		{&c.client, "client", now.Add(time.Hour)},
	} {
		if *leaf.to, err = c.leaf(leaf.name, leaf.ends); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// leaf makes a certificate for a name and, but for the name other.here, for the
// address that the servers have.
func (c *certs) leaf(name string, ends time.Time) (tls.Certificate, error) {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: ends.Add(-2 * time.Hour), NotAfter: ends,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if name == "good.here" {
		t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, c.ca, &c.key.PublicKey, c.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: c.key}, err
}

// server is the configuration of a server that shows leaf.
func (c *certs) server(leaf tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{leaf}}
}

// trusted makes the client trust the authority.
func (c *certs) trusted(t *hyperscale.Transport) { t.TLS.CA = c.pem }

// showing makes the client show its certificate.
func (c *certs) showing(t *hyperscale.Transport) {
	key, err := x509.MarshalECPrivateKey(c.key)
	if err != nil {
		panic("wiretest: encode our own key: " + err.Error())
	}
	t.TLS.Cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.client.Certificate[0]})
	t.TLS.Key = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})
}
