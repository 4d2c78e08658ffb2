package manager

import (
	"log/slog"
	"strings"
	"testing"

	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
)

func config() Config {
	return Config{Config: station.Config{
		Self: identity.ID{Cluster: "hs", Env: "test", DC: "fra", Node: "m1"}, Data: "d",
	}}
}

// A manager has a datacenter, and may know gates that it can call.
func TestConfigurationsOfManagers(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"--dc":                            func(c *Config) { c.Self.DC = "" },
		"--gates: gate \"g1\": host:port": func(c *Config) { c.Gates = []string{"g1"} },
		"--gates: gate \":7400\": host":   func(c *Config) { c.Gates = []string{"127.0.0.1:7400", ":7400"} },
		"--gates: gate 10.0.0.1:7400: without certificates only gates on loopback": func(c *Config) { c.Gates = []string{"10.0.0.1:7400"} },
	} {
		c := config()
		change(&c)
		if _, err := New(c, Deps{Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %q: %v", want, err)
		}
	}
	c := config()
	c.Gates = []string{"127.0.0.1:7400", "localhost:7410"}
	if _, err := New(c, Deps{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Error(err)
	}
}

// What the managers of a datacenter share keeps them apart from all others.
func TestKindOfManagers(t *testing.T) {
	c := config()
	k := c.kind()
	if k.Pool != "dc/hs.test/fra" || k.Store != "hs.test.fra" || k.Children != identity.Worker || k.Pace != (station.Pace{}) || k.Beside != nil {
		t.Errorf("it is %+v", k)
	}
	c.Gates = []string{"127.0.0.1:7400"}
	if c.kind().Beside == nil {
		t.Error("with gates it looks up to nobody")
	}
}
