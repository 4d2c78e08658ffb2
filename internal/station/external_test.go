package station_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"hyperscale"
	"hyperscale/internal/rpc/identity"
	"hyperscale/internal/station"
	"hyperscale/internal/testkit/ports"
)

// serveEtcd runs an etcd as somebody else would, and gives its address.
func serveEtcd(t *testing.T) string {
	t.Helper()
	c := embed.NewConfig()
	c.Dir, c.ZapLoggerBuilder = t.TempDir(), embed.NewZapLoggerBuilder(zap.NewNop())
	clients, peers := url.URL{Scheme: "http", Host: ports.One(t)}, url.URL{Scheme: "http", Host: ports.One(t)}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{clients}, []url.URL{clients}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peers}, []url.URL{peers}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	server, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(patience):
		t.Fatal("etcd does not begin")
	}
	return "etcd://" + clients.Host
}

// Nodes with a store of somebody else serve like others, and find what they
// left in it.
func TestNodesOfAnExternalStore(t *testing.T) { forBoth(t, testNodesOfAnExternalStore) }

func testNodesOfAnExternalStore(t *testing.T, of identity.Role) {
	address := serveEtcd(t)
	one, two := config(t, of, "m1"), config(t, of, "m2")
	one.Store.External, two.Store.External, two.Store.Owned = address, address, true
	two.Join = []string{one.At.Gossip}
	first, second := start(t, one), start(t, two)
	first.mustServe(t)
	second.mustServe(t)
	job := submit(t, one.At.Listen, "k")
	if _, err := station.Snapshot(soon(t), of, one.Data, t.TempDir()+"/x"); err == nil || !strings.Contains(err.Error(), "external") {
		t.Errorf("a snapshot: %v", err)
	}
	until(t, "they do not see each other", func() error {
		members, err := ask(t, two.At.Listen).Members(soon(t))
		if err == nil && len(members) != 2 {
			err = fmt.Errorf("%+v", members)
		}
		return err
	})
	until(t, "its size is not told", func() error {
		if _, body := get(t, one.At.HTTP, "/metrics"); !strings.Contains(body, "hyperscale_"+string(of)+"_store_bytes_in_use ") || strings.Contains(body, "store_bytes_in_use 0") {
			return fmt.Errorf("metrics without it")
		}
		return nil
	})
	first.Leave(soon(t))
	if err := first.stop(); err != nil {
		t.Error(err)
	}
	until(t, "the other does not own the job", func() error {
		status, err := ask(t, two.At.Listen).Get(soon(t), job)
		if err == nil && (status.Owner != "m2" || status.Phase == hyperscale.Failed) {
			err = fmt.Errorf("%+v", status)
		}
		return err
	})
}
