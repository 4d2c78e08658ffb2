package etcdstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hyperscale/internal/testkit/ports"
)

// authority signs certificates of one test.
type authority struct {
	*testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{T: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = template, a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	return key
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.Fatal(err)
	}
	return path
}

// issue signs a certificate for an identity, with DNS names.
func (a *authority) issue(serial int64, identity string, names ...string) TLS {
	id, err := url.Parse(identity)
	if err != nil {
		a.Fatal(err)
	}
	key := a.newKey()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), URIs: []*url.URL{id}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, a.cert, key.Public(), a.key)
	if err != nil {
		a.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.Fatal(err)
	}
	return TLS{
		Certificate: a.write(fmt.Sprint(serial, ".pem"), "CERTIFICATE", der),
		Key:         a.write(fmt.Sprint(serial, ".key"), "EC PRIVATE KEY", secret),
		Authority:   filepath.Join(a.dir, "ca.pem"),
	}
}

// ask makes a request to a peer port, with a certificate or without.
func ask(t *testing.T, at string, with TLS) error {
	t.Helper()
	secure := &tls.Config{InsecureSkipVerify: true} // who asks does not care whom
	if !with.empty() {
		cert, err := tls.LoadX509KeyPair(with.Certificate, with.Key)
		if err != nil {
			t.Fatal(err)
		}
		secure.Certificates = []tls.Certificate{cert}
	}
	carrier := &http.Transport{TLSClientConfig: secure}
	defer carrier.CloseIdleConnections()
	answer, err := (&http.Client{Transport: carrier, Timeout: 10 * time.Second}).Get(at + "/members")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// Of the certificates that one authority signed, only those of store members are
// let in at the peer port.
func TestWorkersAreNotMembers(t *testing.T) {
	t.Parallel()
	const memberName = "store.east.hyperscale.dev"
	a := newAuthority(t)
	initial := make(map[string]string)
	for i := range 3 {
		initial[fmt.Sprintf("m%d", i+1)] = "https://" + ports.One(t)
	}
	var all []Config
	for i := range 3 {
		name := fmt.Sprintf("m%d", i+1)
		files := a.issue(int64(10+i), "spiffe://hyperscale.dev/dc/east/manager/"+name, memberName)
		files.Names = []string{memberName}
		all = append(all, Config{Name: name, Dir: t.TempDir(), Listen: initial[name], Initial: initial, TLS: files})
	}
	nodes := startAll(t, all)
	mustPut(t, nodes[0].Store(), "a", "1")
	mustRead(t, nodes[2].Store(), "a", "1")
	if _, err := nodes[0].Invite(t.Context(), "m2", initial["m2"]); err == nil {
		t.Error("a member that is alive was replaced")
	}

	at := initial["m1"]
	if err := ask(t, at, all[1].TLS); err != nil {
		t.Errorf("a member: %v", err)
	}
	for who, with := range map[string]TLS{
		"a worker":                    a.issue(20, "spiffe://hyperscale.dev/dc/east/worker/w1", "worker.east.hyperscale.dev"),
		"a worker without names":      a.issue(21, "spiffe://hyperscale.dev/dc/east/worker/w1"),
		"a member of another":         a.issue(22, "spiffe://hyperscale.dev/dc/west/manager/m1", "store.west.hyperscale.dev"),
		"a member by another's word":  newAuthority(t).issue(23, "spiffe://hyperscale.dev/dc/east/manager/m1", memberName),
		"somebody without a passport": {},
	} {
		if ask(t, at, with) == nil {
			t.Errorf("%s was let in", who)
		}
	}
}
