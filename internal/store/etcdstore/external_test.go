package etcdstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"hyperscale/internal/store"
	"hyperscale/internal/testkit/ports"
)

// An external etcd is killed and comes back on its data: a watch goes on without
// gap or repeat, and what was asked meanwhile is told to be open.
func TestExternalComesBack(t *testing.T) {
	t.Parallel()
	client, peer := "http://"+ports.One(t), "http://"+ports.One(t)
	words := strings.Join([]string{"outside", t.TempDir(), client, peer}, " ")
	process := spawn(t, asExternal, words)
	s, connection, err := Dial(strings.Replace(client, "http://", Scheme, 1), nil, DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()

	start := mustPut(t, s, "a", "1")
	enough := errors.New("enough")
	var seen []string
	var wait sync.WaitGroup
	first := make(chan struct{})
	wait.Go(func() {
		err := s.Watch(ctx, "", store.After(""), start, func(_ store.Revision, events []store.Event) error {
			seen = append(seen, string(events[0].Value))
			if len(seen) == 1 {
				close(first)
			}
			if len(seen) == 3 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("watch: %v", err)
		}
	})
	<-first
	process.Process.Kill()
	process.Wait()
	if _, err := s.Grant(ctx, time.Second); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("with nobody there: %v", err)
	}
	if _, err := s.Renew(ctx, 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("renewing with nobody there: %v", err)
	}
	spawn(t, asExternal, words)
	mustPut(t, s, "a", "2")
	mustPut(t, s, "a", "3")
	wait.Wait()
	if got := strings.Join(seen, " "); got != "1 2 3" {
		t.Errorf("told of %q", got)
	}
}

func TestClosedClientIsGone(t *testing.T) {
	s, connection, err := Dial(Scheme+"127.0.0.1:1", nil, DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	connection.Close()
	_, err = s.Range(t.Context(), store.Range{Until: "z"})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	err = s.Watch(t.Context(), "", "z", 0, func(store.Revision, []store.Event) error { return nil })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// Only whoever owns an external etcd has it forget.
func TestOwnedStoreForgets(t *testing.T) {
	t.Parallel()
	n := startAll(t, configs(t, 1))[0]
	first := mustPut(t, n.Store(), "a", "1")
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	var wait sync.WaitGroup
	stop, end := context.WithCancel(ctx)
	wait.Go(func() { n.Store().Forget(stop, 50*time.Millisecond) })
	for {
		mustPut(t, n.Store(), "a", "2")
		_, err := n.Store().Range(ctx, store.Range{Until: "z", At: first})
		if errors.Is(err, store.ErrCompacted) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	end()
	wait.Wait()
}
