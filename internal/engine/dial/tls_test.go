package dial

import (
	"crypto/tls"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/session"
)

func TestTLSConfig(t *testing.T) {
	config := func(host string, tr hyperscale.Transport) (*tls.Config, error) {
		return TLSConfig(&session.Origin{Scheme: "https", Host: host, Port: "443", Transport: &tr})
	}
	cfg, err := config("a.test", hyperscale.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ServerName != "a.test" || cfg.InsecureSkipVerify || cfg.MinVersion != tls.VersionTLS12 || cfg.RootCAs != nil ||
		cfg.ClientSessionCache != nil || len(cfg.Certificates) != 0 || strings.Join(cfg.NextProtos, " ") != "http/1.1" {
		t.Errorf("by default %+v", cfg)
	}
	cfg, _ = config("a.test.", hyperscale.Transport{HTTP: 2, TLS: hyperscale.TLS{Min: "1.3", Insecure: true}})
	if cfg.ServerName != "a.test" || !cfg.InsecureSkipVerify || cfg.MinVersion != tls.VersionTLS13 || cfg.NextProtos[0] != "h2" {
		t.Errorf("with options %+v", cfg)
	}
	for host, want := range map[string]string{"fe80::1%eth0": "fe80::1", "10.0.0.1": "10.0.0.1"} {
		if cfg, _ := config(host, hyperscale.Transport{}); cfg.ServerName != want {
			t.Errorf("%s is checked for %s", host, cfg.ServerName)
		}
	}
	if cfg, _ := config("a.test", hyperscale.Transport{TLS: hyperscale.TLS{ServerName: "b.test"}}); cfg.ServerName != "b.test" {
		t.Errorf("checked for %s", cfg.ServerName)
	}
	for want, o := range map[string]hyperscale.TLS{
		"no certificate in the CA file": {CA: []byte("x")},
		"read our certificate":          {Cert: []byte("x"), Key: []byte("y")},
		`no version "1.1"`:              {Min: "1.1"},
	} {
		if _, err := config("a.test", hyperscale.Transport{TLS: o}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	p, err := ProxyTLSConfig(Proxy{Host: "p.test"}, &hyperscale.TLS{ServerName: "a.test", Insecure: true})
	if err != nil || p.ServerName != "p.test" || !p.InsecureSkipVerify || p.NextProtos[0] != "http/1.1" {
		t.Errorf("to a proxy %+v, %v", p, err)
	}
}
