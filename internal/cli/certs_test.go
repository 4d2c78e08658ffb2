package cli

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hyperscale/internal/rpc/identity"
)

// certs runs certs with arguments and gives the code, stdout and stderr.
func certs(args ...string) (code int, out, err string) {
	s := newTestWorld()
	code = s.run(append([]string{"certs"}, args...)...)
	return code, s.out.String(), s.err.String()
}

func made(t *testing.T, args ...string) string {
	t.Helper()
	code, out, err := certs(args...)
	if code != 0 {
		t.Fatalf("certs %v: code %d\n%s%s", args, code, out, err)
	}
	return out
}

// What is issued says who somebody is, is trusted by who has the authority's
// certificate, and only its owner reads the keys.
func TestCertificatesAreIssued(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	made(t, "init", dir, "--cluster", "shop", "--environment", "prod")
	out := made(t, "issue", dir, "manager", "m1", "m2", "--dc", "fra", "--hosts", "10.0.0.1,m1.example.org", "--valid", "90d")
	for _, want := range []string{filepath.Join(dir, "manager-m2"), "--cert manager-m1/node.crt", "--store-ca manager-m1/store-ca.crt", "--cluster shop --environment prod"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if want := "manager --name m1 --dc fra --data DIRECTORY --cert"; !strings.Contains(out, want) {
		t.Errorf("it does not say %q:\n%s", want, out)
	}
	if out, want := made(t, "issue", dir, "worker", "w1", "--dc", "fra"), "worker --name w1 --dc fra --join HOST --cert"; !strings.Contains(out, want) {
		t.Errorf("it does not say %q:\n%s", want, out)
	}
	made(t, "issue", dir, "client", "ada", "--tenant", "team")
	made(t, "issue", dir, "gate", "g1")
	for home, want := range map[string]string{
		"manager-m1": "spiffe://shop.prod/dc/fra/manager/m1", "manager-m2": "spiffe://shop.prod/dc/fra/manager/m2",
		"worker-w1": "spiffe://shop.prod/dc/fra/worker/w1", "client-ada": "spiffe://shop.prod/client/team/ada", "gate-g1": "spiffe://shop.prod/gate/g1",
	} {
		at := filepath.Join(dir, home)
		source, err := identity.Load(identity.Files{
			Cert: filepath.Join(at, nodeCert), Key: filepath.Join(at, nodeKey), Authorities: filepath.Join(at, authorityCert),
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if source.ID().String() != want {
			t.Errorf("%s holds the certificate of %s", home, source.ID())
		}
	}
	holdsStoreCertificate(t, filepath.Join(dir, "manager-m1"))
	if _, err := os.Stat(filepath.Join(dir, "worker-w1", storeCert)); err == nil {
		t.Error("a worker has a certificate of the store")
	}
	keysAreSecret(t, dir)
}

func holdsStoreCertificate(t *testing.T, home string) {
	t.Helper()
	cert := parseCert(t, filepath.Join(home, storeCert))
	if len(cert.URIs) > 0 || !slices.Equal(cert.DNSNames, []string{"m1.example.org"}) || len(cert.IPAddresses) != 1 {
		t.Errorf("the store's certificate is for %v %v %v", cert.URIs, cert.DNSNames, cert.IPAddresses)
	}
	if left := time.Until(cert.NotAfter); left < 89*day || left > 90*day {
		t.Errorf("it is trusted for %v", left)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parseCert(t, filepath.Join(home, storeAuthorityCert)))
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "m1.example.org"}); err != nil {
		t.Error(err)
	}
}

func parseCert(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// keysAreSecret wants every private key below dir to be its owner's alone, and in
// the nodes' directories none of an authority.
func keysAreSecret(t *testing.T, dir string) {
	t.Helper()
	keys := 0
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(text, []byte("PRIVATE KEY")) {
			return err
		}
		keys++
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v", name, info.Mode())
		}
		if base := filepath.Base(name); filepath.Dir(name) != dir && base != nodeKey && base != storeKey {
			t.Errorf("%s is in a node's directory", name)
		}
		return nil
	})
	if err != nil || keys != 9 {
		t.Errorf("%d keys: %v", keys, err)
	}
}

func TestCertificatesAreNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	made(t, "init", dir)
	made(t, "issue", dir, "worker", "w1")
	before := parseCert(t, filepath.Join(dir, "worker-w1", nodeCert))
	if code, _, text := certs("init", dir); code != 104 || !strings.Contains(text, "ca.crt is there already") {
		t.Errorf("code %d: %s", code, text)
	}
	code, _, text := certs("issue", dir, "worker", "w0", "w1")
	if code != 104 || !strings.Contains(text, "worker-w1") {
		t.Errorf("code %d: %s", code, text)
	}
	if _, err := os.Stat(filepath.Join(dir, "worker-w0")); err == nil {
		t.Error("some were issued although others could not be")
	}
	if !before.Equal(parseCert(t, filepath.Join(dir, "worker-w1", nodeCert))) {
		t.Error("it was overwritten")
	}
	made(t, "issue", dir, "worker", "w0", "w1", "--force")
	if before.Equal(parseCert(t, filepath.Join(dir, "worker-w1", nodeCert))) {
		t.Error("--force did not replace it")
	}
}

func TestCertificatesThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	made(t, "init", dir)
	for want, args := range map[string][]string{
		"certs init":                   {"issue", t.TempDir(), "worker", "w1"},
		"at least one name":            {"issue", dir, "worker"},
		`no role "boss"`:               {"issue", dir, "boss", "b1"},
		"has 0 bytes":                  {"issue", dir, "worker", ""},
		"--hosts is for managers":      {"issue", dir, "worker", "w1", "--hosts", "a"},
		"time above zero":              {"issue", dir, "worker", "w1", "--valid", "soon"},
		"cluster name":                 {"init", filepath.Join(dir, "x"), "--cluster", "No Good"},
		"a directory is missing":       {"init"},
		`"isue" is no command`:         {"isue"},
		"letters, digits, -, _ and . ": {"issue", dir, "worker", "../w1"},
	} {
		if code, _, text := certs(args...); code != 104 || !strings.Contains(text, want) {
			t.Errorf("%v: code %d, without %q: %s", args, code, want, text)
		}
	}
}
