package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is what its nodes know together: who is up, who owns the job, what
// happened to it.
type cluster struct {
	mu      sync.Mutex
	down    map[string]bool
	owner   string
	keys    map[string]int // submissions by key
	asked   []string       // addresses in order
	drop    int            // so many next answers get lost on their way
	dialled map[string]int
	closed  int
	silent  map[string]bool // these stand still
	gaveUp  int             // how often waiting for one of these was given up

	watch func(n *member, after uint64, got func(rpc.Update) error) error
	there []rpc.Member
	told  int  // how often somebody was asked for them
	dies  bool // whoever loses an answer is gone then
}

func newCluster() *cluster {
	return &cluster{down: map[string]bool{}, silent: map[string]bool{}, owner: "a:1", keys: map[string]int{}, dialled: map[string]int{}}
}

func (c *cluster) client(t *testing.T, config Config) *Client {
	t.Helper()
	if config.Nodes == nil {
		config.Nodes = []string{"a:1", "b:1", "c:1"}
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	client.begin = config.Nodes[0]
	client.dial = func(address string) (node, error) {
		c.dialled[address]++
		return &member{cluster: c, address: address}, nil
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// member is a node of the cluster as a client calls it.
type member struct {
	node
	cluster *cluster
	address string
}

// Ready is what any call meets first.
func (n *member) Ready(ctx context.Context) error {
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent[n.address] {
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		c.gaveUp++
		return ctx.Err()
	}
	if c.down[n.address] {
		c.asked = append(c.asked, n.address)
		return &rpc.Error{Kind: rpc.Unavailable, Text: n.address + " is down"}
	}
	return nil
}

func (n *member) Members(context.Context) ([]rpc.Member, error) {
	n.cluster.told++
	return n.cluster.there, nil
}

func (n *member) Close() error { n.cluster.closed++; return nil }

// reach is what any call to a node that is there meets first.
func (n *member) reach() error {
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, n.address)
	return nil
}

func (n *member) owned() error {
	if err := n.reach(); err != nil {
		return err
	}
	if n.cluster.owner != n.address {
		return &rpc.Error{Kind: rpc.NotOwner, Address: n.cluster.owner}
	}
	return nil
}

// lost says whether the answer gets lost, after the work was done.
func (n *member) lost() error {
	c := n.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drop > 0 {
		c.drop--
		c.down[n.address] = c.dies
		return rpc.Errorf(rpc.Unavailable, "the connection broke")
	}
	return nil
}

func (n *member) Submit(_ context.Context, s rpc.Submission) (rpc.Accepted, error) {
	if err := n.reach(); err != nil {
		return rpc.Accepted{}, err
	}
	if s.Key == "" {
		return rpc.Accepted{}, rpc.InvalidField("key", "there is none")
	}
	n.cluster.keys[s.Key]++
	return rpc.Accepted{Job: "7", Address: n.cluster.owner, Again: n.cluster.keys[s.Key] > 1}, n.lost()
}

func (n *member) Get(_ context.Context, job hyperscale.JobID) (rpc.Status, error) {
	if err := n.owned(); err != nil {
		return rpc.Status{}, err
	}
	return rpc.Status{Job: job}, nil
}

func (n *member) Adjust(_ context.Context, _ hyperscale.JobID, key string, a hyperscale.Adjustment) (hyperscale.Adjustment, error) {
	if err := n.owned(); err != nil {
		return a, err
	}
	n.cluster.keys[key]++
	a.Number = 1
	return a, n.lost()
}

func (n *member) Watch(_ context.Context, _ hyperscale.JobID, after uint64, got func(rpc.Update) error) error {
	if err := n.reach(); err != nil {
		return err
	}
	return n.cluster.watch(n, after, got)
}

func TestTheOwnerIsRememberedFor30Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.owner = "far:1"
		client := c.client(t, Config{})
		get := func(want ...string) {
			t.Helper()
			c.asked = nil
			if _, err := client.Get(t.Context(), "7"); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.asked, want) {
				t.Errorf("asked were %v, want %v", c.asked, want)
			}
		}
		get("a:1", "far:1")
		get("far:1")
		time.Sleep(31 * time.Second)
		get("a:1", "far:1")
		c.owner, c.down["far:1"] = "c:1", true
		get("far:1", "a:1", "c:1")
		get("c:1")
		c.down["a:1"], c.down["b:1"], c.down["c:1"] = true, true, true
		if _, err := client.Get(t.Context(), "7"); err == nil || client.ownerOf("7", time.Now()) != "" {
			t.Errorf("an owner that is gone is still remembered, %v", err)
		}
		if c.dialled["far:1"] != 1 || c.dialled["a:1"] != 1 {
			t.Errorf("connections were made anew: %v", c.dialled)
		}
	})
}

// A node that is gone before it has answered a submission told of the others: one of
// those is asked, with the same key, and there is one job.
func TestASubmissionGoesOnAtANodeThatWasMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.there = []rpc.Member{{Role: "manager", Address: "a:1"}, {Role: "worker", Address: "w:1"}, {Role: "manager", Address: "b:1"}}
		c.drop, c.dies = 1, true
		client := c.client(t, Config{Nodes: []string{"a:1"}})
		began := time.Now()
		accepted, err := client.Submit(t.Context(), rpc.Submission{Name: "shop"})
		if err != nil || !accepted.Again || len(c.keys) != 1 || time.Since(began) > time.Second {
			t.Errorf("%+v, %v, keys %v, after %v", accepted, err, c.keys, time.Since(began))
		}
		told := c.told
		for range 3 {
			if _, err := client.Submit(t.Context(), rpc.Submission{Name: "shop"}); err != nil {
				t.Fatal(err)
			}
		}
		if c.told != told {
			t.Errorf("whoever knows the others asks for them again, %d times", c.told-told)
		}
	})
}

// A node that stands still costs a moment, and nothing is asked of two: of the one
// that is there, once. Whoever was there last is asked first from then on.
func TestOneThatStandsStillCostsAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		client := c.client(t, Config{})
		c.silent["a:1"], c.silent["b:1"] = true, true
		for _, want := range []time.Duration{2 * late, 0} {
			began := time.Now()
			if _, err := client.Submit(t.Context(), rpc.Submission{Name: "shop"}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want {
				t.Errorf("it took %s, want %s", took, want)
			}
		}
		if want := []string{"c:1", "c:1"}; !slices.Equal(c.asked, want) || c.gaveUp != 2 {
			t.Errorf("asked were %v, and %d were waited for and given up", c.asked, c.gaveUp)
		}
		for address, l := range client.lines {
			if l.calls != 0 {
				t.Errorf("the line to %s is never given back", address)
			}
		}
	})
}

// Who owns a job and stands still is not waited for while another may know better.
func TestAnOwnerThatStandsStillIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.owner, c.silent["far:1"] = "b:1", true
		client := c.client(t, Config{})
		client.found("7", "far:1")
		began := time.Now()
		if _, err := client.Get(t.Context(), "7"); err != nil || time.Since(began) != late {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if now := client.ownerOf("7", time.Now()); now != "b:1" {
			t.Errorf("the owner is %q", now)
		}
	})
}

// Where all stand still the caller may give up, and nothing was done.
func TestAllStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.silent["a:1"], c.silent["b:1"], c.silent["c:1"] = true, true, true
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		began := time.Now()
		_, err := c.client(t, Config{}).Submit(ctx, rpc.Submission{Name: "shop"})
		if rpc.KindOf(err) != rpc.OutOfTime || time.Since(began) != time.Second || len(c.asked) != 0 {
			t.Errorf("after %s: %v; asked were %v", time.Since(began), err, c.asked)
		}
	})
}

func TestSubmittingTwiceMakesOneJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.drop = 4
		client := c.client(t, Config{})
		accepted, err := client.Submit(t.Context(), rpc.Submission{Name: "shop"})
		if err != nil || !accepted.Again || len(c.keys) != 1 {
			t.Errorf("%+v, %v, keys %v", accepted, err, c.keys)
		}
		c.asked = nil
		if _, err := client.Get(t.Context(), "7"); err != nil || len(c.asked) != 1 {
			t.Errorf("the owner named by the submission was not asked at once: %v, %v", c.asked, err)
		}
		c.drop = 2
		done, err := client.Adjust(t.Context(), "7", hyperscale.Adjustment{Do: hyperscale.AdjustPause})
		if err != nil || done.Number != 1 || len(c.keys) != 2 {
			t.Errorf("%+v, %v, keys %v", done, err, c.keys)
		}
	})
}

func TestAFailedSubmissionNamesItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.drop = 1 << 30
		began := time.Now()
		_, err := c.client(t, Config{}).Submit(t.Context(), rpc.Submission{Name: "shop"})
		var key string
		for key = range c.keys {
		}
		if rpc.KindOf(err) != rpc.Unavailable || !strings.Contains(err.Error(), key) {
			t.Errorf("key %s: %v", key, err)
		}
		if took := time.Since(began); took < 50*time.Second || took > time.Minute {
			t.Errorf("it was tried for %s", took)
		}
	})
}

// Where nobody was reached, or all turned it away, nothing was taken; one answer that
// was lost leaves it open whatever comes after it.
func TestASubmissionThatReachedNobodyIsNotOpen(t *testing.T) {
	const open = "whether it was taken is open"
	for name, c := range map[string]struct {
		first int // answers that are lost
		want  string
	}{
		"nobody reached":       {0, "nothing was taken"},
		"an answer lost first": {1, open},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newCluster()
			n.drop = c.first
			n.down["b:1"], n.down["c:1"], n.down["a:1"] = true, true, c.first == 0
			client := n.client(t, Config{})
			dial := client.dial
			client.dial = func(address string) (node, error) {
				m, err := dial(address)
				return failing{m.(*member)}, err
			}
			_, err := client.Submit(t.Context(), rpc.Submission{Name: "shop"})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v; want %q", name, err, c.want)
			}
		})
	}
}

// failing is a member that is down once an answer of it was lost.
type failing struct{ *member }

func (f failing) Submit(ctx context.Context, s rpc.Submission) (rpc.Accepted, error) {
	a, err := f.member.Submit(ctx, s)
	f.cluster.down[f.address] = true
	return a, err
}

// A watch says once that nobody answers, and that somebody does again.
func TestAWatchSaysThatNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		var told []string
		client := c.client(t, Config{Silent: func(why error) { told = append(told, fmt.Sprint(why)) }})
		tries := 0
		c.watch = func(_ *member, _ uint64, got func(rpc.Update) error) error {
			if tries++; tries > 1 && tries < 9 {
				return rpc.Errorf(rpc.Unavailable, "away")
			}
			_ = got(rpc.Live{})
			if tries < 9 {
				return rpc.Errorf(rpc.Unavailable, "it broke")
			}
			return nil
		}
		if err := client.Watch(t.Context(), "7", 0, func(rpc.Update) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if want := []string{"unavailable: away", "<nil>"}; !reflect.DeepEqual(told, want) {
			t.Errorf("it told %q, want %q", told, want)
		}
	})
}

func TestTheCallerMayGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.down["a:1"], c.down["b:1"], c.down["c:1"] = true, true, true
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		began := time.Now()
		if _, err := c.client(t, Config{}).Get(ctx, "7"); rpc.KindOf(err) != rpc.Unavailable {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestConnectionsMadeInPassingAreClosed(t *testing.T) {
	c := newCluster()
	client := c.client(t, Config{})
	for i := range 10 * mostLines {
		c.owner = fmt.Sprintf("n%d:1", i)
		client.owners = map[hyperscale.JobID]owner{}
		if _, err := client.Get(t.Context(), "7"); err != nil {
			t.Fatal(err)
		}
		if len(client.lines) > mostLines {
			t.Fatalf("%d connections are kept", len(client.lines))
		}
	}
	for i := range 3 * mostOwners {
		client.found(hyperscale.JobID(fmt.Sprint(i)), "n:1")
	}
	if len(client.owners) > mostOwners {
		t.Errorf("%d owners are remembered", len(client.owners))
	}
	open := len(client.lines)
	c.closed = 0
	if err := client.Close(); err != nil || c.closed != open {
		t.Errorf("of %d connections %d were closed, %v", open, c.closed, err)
	}
}

// Through any breaks, repeats and changes of the node, a watcher hears every
// event once and in order.
func TestWatchesHearEveryEventOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		events := uint64(rapid.IntRange(0, 30).Draw(r, "events"))
		breaks := rapid.IntRange(0, 10).Draw(r, "breaks")
		begin := uint64(rapid.IntRange(0, int(events)).Draw(r, "after"))
		synctest.Test(t, func(t *testing.T) {
			c := newCluster()
			c.watch = func(n *member, after uint64, got func(rpc.Update) error) error {
				if err := got(rpc.Snapshot{}); err != nil {
					return err
				}
				from := after - min(after, uint64(rapid.IntRange(0, 2).Draw(r, "repeats"))) // a careless node
				until := events
				if breaks > 0 {
					breaks--
					until = min(events, after+uint64(rapid.IntRange(0, 5).Draw(r, "until")))
				}
				for seq := from + 1; seq <= until; seq++ {
					if rapid.IntRange(0, 19).Draw(r, "hole") == 0 && breaks > 0 {
						continue // a worse one leaves an event out
					}
					if err := got(rpc.Happened{Event: hyperscale.Event{Seq: seq}}); err != nil {
						return err
					}
				}
				if until < events || breaks > 0 {
					return rpc.Errorf(rpc.Unavailable, "the connection broke")
				}
				return nil
			}
			last := begin
			err := c.client(t, Config{}).Watch(t.Context(), "7", begin, func(u rpc.Update) error {
				if e, ok := u.(rpc.Happened); ok {
					if e.Seq != last+1 {
						r.Fatalf("event %d came after %d", e.Seq, last)
					}
					last = e.Seq
				}
				return nil
			})
			if err != nil || last != events {
				r.Fatalf("%d of %d events came, %v", last, events, err)
			}
		})
	})
}

func TestWatches(t *testing.T) {
	event := func(seq uint64, epoch hyperscale.Epoch) rpc.Update {
		return rpc.Happened{Event: hyperscale.Event{Seq: seq, Epoch: epoch}}
	}
	snapshot := func(epoch hyperscale.Epoch, truncated bool) rpc.Update {
		return rpc.Snapshot{Status: rpc.Status{Epoch: epoch}, Truncated: truncated}
	}
	tables := []struct {
		name string
		hear []rpc.Update
		told int
		end  rpc.Kind // "": all were taken
	}{
		{"one after another", []rpc.Update{snapshot(1, false), event(5, 1), rpc.Live{}, event(6, 2)}, 4, ""},
		{"repeats", []rpc.Update{event(3, 1), event(5, 1), event(5, 1), event(4, 1)}, 1, ""},
		{"a gap", []rpc.Update{event(5, 1), event(7, 1)}, 1, rpc.Unavailable},
		{"a gap that was told", []rpc.Update{snapshot(1, true), event(9, 1), event(10, 1)}, 3, ""},
		{"a second gap that was not", []rpc.Update{snapshot(1, true), event(9, 1), event(11, 1)}, 2, rpc.Unavailable},
		{"an owner of yesterday", []rpc.Update{event(5, 3), snapshot(2, false)}, 1, rpc.Unavailable},
	}
	for _, tt := range tables {
		told := 0
		f := follower{last: 4, got: func(rpc.Update) error { told++; return nil }}
		var err error
		for _, u := range tt.hear {
			if err = f.hear(u); err != nil {
				break
			}
		}
		if told != tt.told || rpc.KindOf(err) != tt.end {
			t.Errorf("%s: %d were told, then %v", tt.name, told, err)
		}
	}
}

func TestAWatcherMayStop(t *testing.T) {
	c := newCluster()
	c.watch = func(_ *member, _ uint64, got func(rpc.Update) error) error { return got(rpc.Live{}) }
	enough := rpc.Errorf(rpc.Unavailable, "enough") // looks like a broken connection, and is none
	err := c.client(t, Config{}).Watch(t.Context(), "7", 0, func(rpc.Update) error { return enough })
	if !errors.Is(err, error(enough)) || len(c.asked) != 1 {
		t.Errorf("it ended with %v after asking %v", err, c.asked)
	}
}

func TestNobodyToAsk(t *testing.T) {
	if _, err := New(Config{}); rpc.KindOf(err) != rpc.Invalid {
		t.Errorf("a client of nobody: %v", err)
	}
}

// Who was told of one manager goes on at the others that it knows of.
func TestAWatchGoesOnAtManagersThatWereMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		c.there = []rpc.Member{{Role: "manager", Address: "a:1"}, {Role: "worker", Address: "w:1"}, {Role: "manager", Address: "b:1"}}
		var asked []string
		c.watch = func(n *member, after uint64, got func(rpc.Update) error) error {
			asked = append(asked, n.address)
			if n.address == "b:1" {
				return got(rpc.Happened{Event: hyperscale.Event{Seq: 2}})
			}
			if after == 0 {
				if err := got(rpc.Happened{Event: hyperscale.Event{Seq: 1}}); err != nil {
					return err
				}
			}
			return rpc.Errorf(rpc.Unavailable, "it was killed")
		}
		if err := c.client(t, Config{Nodes: []string{"a:1"}}).Watch(t.Context(), "7", 0, func(rpc.Update) error { return nil }); err != nil {
			t.Errorf("%v, after asking %v", err, asked)
		}
		if want := []string{"a:1", "b:1"}; !slices.Equal(asked, want) {
			t.Errorf("asked %v, not %v", asked, want)
		}
	})
}

// A watch at a node that stands still goes on elsewhere once nothing came for a while and
// the node does not answer, with the next event. One that is there and has nothing to tell
// is left alone.
func TestAWatchLeavesANodeThatStandsStill(t *testing.T) {
	for name, c := range map[string]struct {
		still bool
		asked []string
		took  time.Duration
	}{
		"stands still":     {true, []string{"a:1", "b:1"}, hush + within},
		"nothing happened": {false, []string{"a:1"}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := newCluster()
			client := n.client(t, Config{Nodes: []string{"a:1", "b:1"}})
			dial := client.dial
			client.dial = func(address string) (node, error) {
				m, err := dial(address)
				return halting{m.(*member), c.still}, err
			}
			n.watch = func(_ *member, after uint64, got func(rpc.Update) error) error {
				return got(rpc.Happened{Event: hyperscale.Event{Seq: after + 1}})
			}
			began, events := time.Now(), 0
			err := client.Watch(t.Context(), "7", 0, func(rpc.Update) error { events++; return nil })
			if took := time.Since(began); err != nil || took != c.took || events != len(c.asked) || !slices.Equal(n.asked, c.asked) {
				t.Errorf("%s: after %s and %d events it ends with %v; asked were %v", name, took, events, err, n.asked)
			}
		})
	}
}

// halting is a member that tells no more for a minute, if it is the first; and may not
// answer anything either.
type halting struct {
	*member
	still bool
}

func (h halting) Watch(ctx context.Context, job hyperscale.JobID, after uint64, got func(rpc.Update) error) error {
	if err := h.member.Watch(ctx, job, after, got); err != nil || h.address != "a:1" {
		return err
	}
	h.cluster.mu.Lock()
	h.cluster.silent["a:1"] = h.still
	h.cluster.mu.Unlock()
	return pause(ctx, time.Minute)
}
