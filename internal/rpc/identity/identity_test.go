package identity

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hyperscale"
)

func TestIdentities(t *testing.T) {
	tables := []struct {
		uri string
		id  ID
	}{
		{"spiffe://hs.dev/gate/g1", ID{Cluster: "hs", Env: "dev", Role: Gate, Node: "g1"}},
		{"spiffe://hs.dev/dc/fra/manager/m1", ID{Cluster: "hs", Env: "dev", Role: Manager, DC: "fra", Node: "m1"}},
		{"spiffe://hs.dev/dc/fra/worker/w-1.x", ID{Cluster: "hs", Env: "dev", Role: Worker, DC: "fra", Node: "w-1.x"}},
		{"spiffe://hs.dev/client/shop/eve", ID{Cluster: "hs", Env: "dev", Role: Client, Tenant: "shop", Name: "eve"}},
	}
	for _, tt := range tables {
		if got, err := Parse(tt.uri); err != nil || got != tt.id {
			t.Errorf("%s is read as %+v, %v", tt.uri, got, err)
		}
		if got := tt.id.String(); got != tt.uri {
			t.Errorf("%+v is written as %s", tt.id, got)
		}
	}
	for _, uri := range []string{
		"", "spiffe://hs.dev", "spiffe://hs/gate/g1", "spiffe://hs.dev.eu/gate/g1", "spiffe://hs.dev/gate", "spiffe://hs.dev/gate/g1/x",
		"spiffe://hs.dev/dc/fra/gate/g1", "spiffe://hs.dev/dc/fra/client/x", "spiffe://hs.dev/client/eve", "spiffe://HS.dev/gate/g1",
		"https://hs.dev/gate/g1", "spiffe://hs.dev/gate/..", "spiffe://hs.dev/gate/a b", "spiffe://hs.dev/gate/" + strings.Repeat("x", 64),
		"spiffe://.dev/gate/g1", "spiffe://hs./gate/g1",
	} {
		if id, err := Parse(uri); err == nil {
			t.Errorf("%q is read as %+v", uri, id)
		}
	}
}

// Whatever passes the check is read back as it was.
func TestIdentitiesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9._-]{0,64}`)
		id := ID{Cluster: text.Draw(t, "cluster"), Env: text.Draw(t, "env"), Role: rapid.SampledFrom([]Role{Client, Worker, Manager, Gate}).Draw(t, "role")}
		switch id.Role {
		case Client:
			id.Tenant, id.Name = text.Draw(t, "tenant"), text.Draw(t, "name")
		case Gate:
			id.Node = hyperscale.NodeID(text.Draw(t, "node"))
		default:
			id.DC, id.Node = text.Draw(t, "dc"), hyperscale.NodeID(text.Draw(t, "node"))
		}
		if id.Check() != nil {
			return
		}
		if back, err := Parse(id.String()); err != nil || back != id {
			t.Fatalf("%+v came back as %+v, %v", id, back, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("spiffe://hs.dev/dc/fra/worker/w1")
	f.Fuzz(func(t *testing.T, uri string) {
		id, err := Parse(uri)
		if err != nil {
			return
		}
		if back, err := Parse(id.String()); err != nil || back != id {
			t.Fatalf("%q is read as %+v, and that as %+v, %v", uri, id, back, err)
		}
	})
}

// The role matrix: who may open a connection to whom.
func TestWhoMayCallWhom(t *testing.T) {
	of := func(role Role, dc string) ID { return ID{Cluster: "hs", Env: "dev", Role: role, DC: dc, Node: "n"} }
	type pair struct{ from, to Role }
	own := map[pair]bool{ // within a datacenter
		{Client, Manager}: true, {Client, Gate}: true,
		{Worker, Manager}:  true,
		{Manager, Manager}: true, {Manager, Gate}: true,
		{Gate, Gate}: true, {Gate, Manager}: true,
	}
	far := map[pair]bool{ // across datacenters
		{Client, Manager}: true, {Client, Gate}: true,
		{Manager, Gate}: true, {Gate, Gate}: true, {Gate, Manager}: true,
	}
	roles := []Role{Client, Worker, Manager, Gate, "cook"}
	for _, from := range roles {
		for _, to := range roles {
			if err := MayCall(of(from, "fra"), of(to, "fra")); own[pair{from, to}] != (err == nil) {
				t.Errorf("%s calls %s of its datacenter: %v", from, to, err)
			}
			if err := MayCall(of(from, "fra"), of(to, "nyc")); far[pair{from, to}] != (err == nil) {
				t.Errorf("%s calls %s of another datacenter: %v", from, to, err)
			}
			stranger := of(from, "fra")
			stranger.Cluster = "other"
			if MayCall(stranger, of(to, "fra")) == nil {
				t.Errorf("%s of another cluster calls %s", from, to)
			}
		}
	}
}
