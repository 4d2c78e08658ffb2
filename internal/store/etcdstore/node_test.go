package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"hyperscale/internal/store"
	"hyperscale/internal/testkit/ports"
)

func TestNothingIsLeftBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	began := time.Now()
	n := startAll(t, configs(t, 1))[0]
	t.Logf("one member was ready after %v", time.Since(began))
	mustPut(t, n.Store(), "a", "1")
	watched := make(chan error, 1)
	go func() {
		watched <- n.Store().Watch(t.Context(), "", "z", 0, func(store.Revision, []store.Event) error { return nil })
	}()
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	if err := <-watched; !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a watch of a member that ended: %v", err)
	}
	_, err := n.Store().Range(t.Context(), store.Range{Until: "z"})
	if !errors.Is(err, store.ErrUnavailable) || n.Health().State != Ended {
		t.Errorf("after its end: %v, %+v", err, n.Health())
	}
	goleak.VerifyNone(t, before)
}

func TestMemberGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	c := configs(t, 1)
	n := startAll(t, c)[0]
	at := mustPut(t, n.Store(), "a", "1")
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	if empty, err := Empty(c[0].Dir); empty || err != nil {
		t.Errorf("a directory in use counts as empty: %v, %v", empty, err)
	}
	n = startAll(t, c)[0]
	mustRead(t, n.Store(), "a", "1")
	if next := mustPut(t, n.Store(), "a", "2"); next != at+1 {
		t.Errorf("revision %d after %d", next, at)
	}
}

func TestOneNodeToADirectory(t *testing.T) {
	t.Parallel()
	c := configs(t, 1)
	startAll(t, c)
	second := start(t, Config{Name: "m1", Dir: c[0].Dir, Listen: "http://" + ports.One(t)})
	if err := second.wait(); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), c[0].Dir) {
		t.Errorf("got %v", err)
	}
	if _, err := second.Store().Grant(t.Context(), time.Second); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a store without a node: %v", err)
	}
}

// A member that waits for the others ends when it is told to, and its store says
// that it does not answer.
func TestMemberThatWaitsCanEnd(t *testing.T) {
	before := goleak.IgnoreCurrent()
	n := start(t, configs(t, 3)[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := n.Store().Range(ctx, store.Range{Until: "z"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("reading before it is ready: %v", err)
	}
	if h := n.Health(); h.State != Starting {
		t.Errorf("health %+v", h)
	}
	if err := n.stop(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before)
}

func TestThreeMembersAreOne(t *testing.T) {
	t.Parallel()
	began := time.Now()
	nodes := startAll(t, configs(t, 3))
	t.Logf("three members were ready after %v", time.Since(began))
	for i, n := range nodes {
		key := strconv.Itoa(i)
		mustPut(t, n.Store(), key, key)
		for _, other := range nodes {
			mustRead(t, other.Store(), key, key)
		}
	}
	_, others := leading(t, nodes)
	id, err := others[0].Store().Grant(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if ttl, err := others[1].Store().Renew(t.Context(), id); err != nil || ttl != 5*time.Second {
		t.Errorf("renewing at another than the leader: %v, %v", ttl, err)
	}
}

// A watch at one member misses nothing and repeats nothing while the lead goes
// round and members end and come back.
func TestWatchOutlivesLeaders(t *testing.T) {
	t.Parallel()
	all := configs(t, 3)
	nodes := startAll(t, all)
	const writes = 60
	start := mustPut(t, nodes[0].Store(), "begin", "") + 1
	var wait sync.WaitGroup
	var seen []string
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	enough := errors.New("enough")
	wait.Go(func() {
		next := start
		err := nodes[0].Store().Watch(ctx, "k/", "k0", start, func(r store.Revision, events []store.Event) error {
			if r < next || len(events) != 1 {
				t.Errorf("revision %d with %d events where %d was due", r, len(events), next)
			}
			next = r + 1
			seen = append(seen, events[0].Key)
			if events[0].Key == fmt.Sprintf("k/%03d", writes-1) {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("watch: %v", err)
		}
	})
	for i := range writes {
		switch i {
		case 10, 20:
			leader, _ := leading(t, nodes)
			if err := stepAside(leader.server); err != nil {
				t.Errorf("moving the lead: %v", err)
			}
		case 30:
			if err := nodes[2].stop(); err != nil {
				t.Error(err)
			}
		case 50:
			nodes[2] = startAll(t, all[2:])[0]
		}
		mustPut(t, nodes[1].Store(), fmt.Sprintf("k/%03d", i), "")
	}
	wait.Wait()
	distinct := make(map[string]bool)
	for _, key := range seen {
		distinct[key] = true
	}
	if len(distinct) != writes {
		t.Errorf("told of %d keys, want %d", len(distinct), writes)
	}
}

// The leader is another process, and is killed. What was acknowledged is there,
// and requests that were out when it died do not hang.
func TestLeaderIsKilled(t *testing.T) {
	all := configs(t, 3)
	text := fmt.Sprintf(`{"Name":"m3","Dir":%q,"Listen":%q,"Initial":{"m1":%q,"m2":%q,"m3":%q}}`,
		all[2].Dir, all[2].Listen, all[0].Listen, all[1].Listen, all[2].Listen)
	nodes := []*running{start(t, all[0]), start(t, all[1])}
	child := spawn(t, asMember, text)
	for _, n := range nodes {
		n.mustBecome(t, Ready)
	}
	for nodes[0].Health().Led == nodes[0].Health().ID || nodes[0].Health().Led == nodes[1].Health().ID {
		leader := nodes[0]
		if !leader.Leader() {
			leader = nodes[1]
		}
		handOver(t, leader, "m3")
	}
	mustPut(t, nodes[0].Store(), "a", "before")
	kill := func() { child.Process.Kill() }
	longest, written := writeThrough(t, nodes[0].Store(), kill)
	t.Logf("the longest of the requests that were out when the leader was killed took %v", longest)
	if longest > 6*time.Second { // etcd alone: 7 s
		t.Errorf("a request hung for %v", longest)
	}
	for key, value := range written {
		mustRead(t, nodes[1].Store(), key, value)
	}
}

// writeThrough has many hands write without pause, then something happens, and
// each writes on until it was answered again. It gives the longest that a request
// took, and what was acknowledged last.
func writeThrough(t *testing.T, s store.Store, happen func()) (longest time.Duration, written map[string]string) {
	t.Helper()
	var mu sync.Mutex
	written = make(map[string]string)
	var wait sync.WaitGroup
	happened := make(chan struct{})
	for hand := range 16 {
		wait.Go(func() {
			key, after := fmt.Sprint("hand", hand), 0
			for n := 0; after < 2 && t.Context().Err() == nil; n++ {
				began := time.Now()
				_, err := s.Txn(t.Context(), store.Txn{Then: []store.Op{{Kind: store.Put, Key: key, Value: []byte(strconv.Itoa(n))}}})
				mu.Lock()
				longest = max(longest, time.Since(began))
				if err == nil {
					written[key] = strconv.Itoa(n)
				}
				mu.Unlock()
				select {
				case <-happened:
					if err == nil {
						after++
					}
				default:
				}
			}
		})
	}
	for range 100 {
		mustPut(t, s, "a", "meanwhile")
	}
	happen()
	close(happened)
	wait.Wait()
	return longest, written
}

// handOver makes a member lead, and waits until all here know.
func handOver(t *testing.T, leader *running, name string) {
	t.Helper()
	for _, m := range leader.server.Cluster().Members() {
		if m.Name != name {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := leader.server.MoveLeader(ctx, uint64(leader.server.MemberID()), uint64(m.ID)); err != nil {
			t.Logf("moving the lead: %v", err)
			return
		}
		leader.until(t, "led by "+name, func(h Health) bool { return h.Led == m.ID.String() })
	}
}

// Two of three gone: requests end as unavailable, reads too, and health says why.
func TestWithoutAMajorityNothingIsAnswered(t *testing.T) {
	t.Parallel()
	nodes := startAll(t, configs(t, 3))
	mustPut(t, nodes[0].Store(), "a", "1")
	var wait sync.WaitGroup
	for _, n := range nodes[1:] {
		wait.Go(func() { n.stop() })
	}
	wait.Wait()
	nodes[0].mustBecome(t, NoLeader)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if page, err := nodes[0].Store().Range(ctx, store.Range{Until: "z"}); err == nil {
		t.Errorf("a read was answered: %v", page)
	}
	if err := nodes[0].stop(); err != nil {
		t.Error(err)
	}
}

// Where etcd would end the process, or panic, the node ends with a word.
func TestEtcdsEndIsOnlyTheNodes(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*zap.Logger){
		"fatal": func(l *zap.Logger) { l.Fatal("failed to commit tx", zap.Error(errors.New("no space left on device"))) },
		"panic": func(l *zap.Logger) { l.Panic("failed to commit tx", zap.Error(errors.New("no space left on device"))) },
	} {
		t.Run(name, func(t *testing.T) {
			n := startAll(t, configs(t, 1))[0]
			go end(n.zap.logger())
			err := n.wait()
			if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "no space left on device") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDiskThatDoesNotServeEndsTheNode(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	for _, c := range []struct {
		want string
		make func(*disk)
	}{
		{"below the reserve", func(d *disk) { d.free = func(string) (int64, error) { return 1 << 20, nil } }},
		{"no statistics", func(d *disk) { d.free = func(string) (int64, error) { return 0, errors.New("no statistics") } }},
		{"read-only file system", func(d *disk) { d.write = func(string) error { return errors.New("read-only file system") } }},
		{"takes longer than", func(d *disk) {
			d.slow = 50 * time.Millisecond
			d.write = func(string) error { <-hang; return nil }
		}},
	} {
		t.Run(c.want, func(t *testing.T) {
			n, err := New(configs(t, 1)[0], Deps{})
			if err != nil {
				t.Fatal(err)
			}
			c.make(&n.disk)
			err = startNode(t, n).wait()
			if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestDiskThatFillsUpEndsTheNode(t *testing.T) {
	t.Parallel()
	n, err := New(configs(t, 1)[0], Deps{Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	free := int64(1 << 40)
	n.disk.free = func(string) (int64, error) { mu.Lock(); defer mu.Unlock(); return free, nil }
	r := startNode(t, n)
	r.mustBecome(t, Ready)
	mustPut(t, r.Store(), "a", "1")
	mu.Lock()
	free = 0
	mu.Unlock()
	if err := r.wait(); !errors.Is(err, ErrDisk) {
		t.Errorf("got %v", err)
	}
	r = start(t, n.config)
	mustRead(t, r.Store(), "a", "1")
}

// A directory that holds rubbish is refused with a word, and nothing crashes.
func TestBrokenDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	c := configs(t, 1)[0]
	n := startAll(t, []Config{c})[0]
	mustPut(t, n.Store(), "a", "1")
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	wal, err := filepath.Glob(filepath.Join(dataDir(c.Dir), "member", "wal", "0*.wal"))
	if err != nil || len(wal) == 0 {
		t.Fatalf("no log: %v", err)
	}
	if err := os.WriteFile(wal[0], []byte("rubbish rubbish rubbish rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := start(t, c).wait(); err == nil {
		t.Error("a member ran on rubbish")
	} else {
		t.Log(err)
	}
}
