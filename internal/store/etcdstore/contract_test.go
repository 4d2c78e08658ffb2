package etcdstore

import (
	"strings"
	"testing"

	"hyperscale/internal/store"
	"hyperscale/internal/store/storetest"
	"hyperscale/internal/testkit/ports"
)

func TestEmbeddedKeepsTheContract(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	storetest.Run(t, func(t *testing.T) store.Store { return newStore(n.door, prefixFor(t)) })
}

func TestExternalKeepsTheContract(t *testing.T) {
	t.Parallel()
	client, peer := "http://"+ports.One(t), "http://"+ports.One(t)
	spawn(t, asExternal, strings.Join([]string{"outside", t.TempDir(), client, peer}, " "))
	s, connection, err := Dial(strings.Replace(client, "http://", Scheme, 1), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	storetest.Run(t, func(t *testing.T) store.Store { return newStore(s.source, prefixFor(t)) })
}

// prefixFor gives each test keys of its own, and those of all tests neighbours.
func prefixFor(t *testing.T) string {
	_, name, _ := strings.Cut(t.Name(), "/")
	return "/test/" + name + "/"
}
