package cli

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"hyperscale/internal/station"
)

// A second cluster of a machine finds ports of its own, unless it was told which.
func TestASecondClusterFindsPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f := devFlags{datacenters: 1, managers: 1, listen: taken.Addr().String()}
	first := taken.Addr().(*net.TCPAddr).Port
	if first > 64_000 {
		t.Skip("there are no ports beyond it")
	}
	at, err := f.settle()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(f.listen)
	got, _ := strconv.Atoi(port)
	if got <= first || (got-first)%devApart != 0 || at(0, 3) != net.JoinHostPort("127.0.0.1", strconv.Itoa(got+3)) {
		t.Errorf("beside port %d it listens at %s, its store at %s", first, f.listen, at(0, 3))
	}
	f = devFlags{datacenters: 1, managers: 1, listen: taken.Addr().String(), chosen: true}
	if _, err := f.settle(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("at a place that was named and is taken: %v", err)
	}
}

// Of a cluster with gates no two nodes have a name, a directory or a port in common,
// and each knows those of its tier, and the ones above it.
func TestTheNodesOfASmallCluster(t *testing.T) {
	f := devFlags{gates: 3, datacenters: 2, managers: 3, workers: 2, cores: 1, data: "d"}
	at := func(node, offset int) string { return "127.0.0.1:" + strconv.Itoa(9000+10*node+offset) }
	seen := map[string]bool{}
	once := func(what string) {
		t.Helper()
		if seen[what] {
			t.Errorf("%s is there twice", what)
		}
		seen[what] = true
	}
	var names []string
	station := func(c station.Config, join ...string) {
		t.Helper()
		for _, what := range []string{string(c.Self.Node), c.Data, c.At.Listen, c.At.HTTP, c.At.Gossip, c.At.Store} {
			once(what)
		}
		names = append(names, c.Self.Who())
		if c.Expect != 3 || !slices.Equal(c.Join, join) {
			t.Errorf("%s expects %d and joins %v, not %v", c.Self.Node, c.Expect, c.Join, join)
		}
	}
	station(f.gate(1, at), "127.0.0.1:9002", "127.0.0.1:9022")
	station(f.gate(0, at), "127.0.0.1:9012", "127.0.0.1:9022")
	station(f.manager(0, 0, at), "127.0.0.1:9042", "127.0.0.1:9052")
	station(f.manager(1, 0, at), "127.0.0.1:9072", "127.0.0.1:9082")
	w := f.worker(1, 1, at)
	once(string(w.Self.Node))
	names = append(names, w.Self.Who())
	if want := []string{"127.0.0.1:9060", "127.0.0.1:9070", "127.0.0.1:9080"}; !slices.Equal(w.Join, want) {
		t.Errorf("a worker of b joins %v, want %v", w.Join, want)
	}
	if want := []string{"gate g2", "gate g1", "manager a-m1 of a", "manager b-m1 of b", "worker b-w2 of b"}; !slices.Equal(names, want) {
		t.Errorf("they are %v, want %v", names, want)
	}
	if f = (devFlags{datacenters: 1, managers: 1}); f.manager(0, 0, at).Self.Who() != "manager m1 of dc1" {
		t.Errorf("without gates there is %s", f.manager(0, 0, at).Self.Who())
	}
}

// What is printed can be tried as it is.
func TestWelcomeOfASmallCluster(t *testing.T) {
	at := func(node, offset int) string { return "127.0.0.1:" + strconv.Itoa(7400+10*node+offset) }
	got := devFlags{gates: 1, datacenters: 2, managers: 1, workers: 2, cores: 1}.welcome(at)
	want := "1 gate at 127.0.0.1:7400\n" +
		"datacenter a: 1 manager at 127.0.0.1:7410, and 2 workers with 1 core each\n" +
		"datacenter b: 1 manager at 127.0.0.1:7420, and 2 workers with 1 core each\n" +
		"try: hyperscale members\n" +
		"try: hyperscale submit examples/quickstart.yaml --watch\n"
	if got != want {
		t.Errorf("%s", got)
	}
	got = devFlags{datacenters: 1, managers: 3, workers: 1, cores: 2}.welcome(at)
	want = "3 managers at 127.0.0.1:7400, and 1 worker with 2 cores each\ntry: hyperscale submit examples/quickstart.yaml --watch\n"
	if got != want {
		t.Errorf("%s", got)
	}
}
