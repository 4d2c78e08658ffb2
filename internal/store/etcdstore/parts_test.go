package etcdstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"hyperscale/internal/store"
)

func TestKinds(t *testing.T) {
	for _, c := range []struct{ err, want error }{
		{rpctypes.ErrCompacted, store.ErrCompacted},
		{rpctypes.ErrGRPCCompacted, store.ErrCompacted},
		{rpctypes.ErrGRPCLeaseNotFound, store.ErrNoLease},
		{rpctypes.ErrNoSpace, store.ErrFull},
		{rpctypes.ErrRequestTooLarge, store.ErrTooLarge},
		{rpctypes.ErrTooManyOps, store.ErrTooLarge},
		{status.Error(codes.ResourceExhausted, "trying to send message larger than max"), store.ErrTooLarge},
		{rpctypes.ErrTooManyRequests, store.ErrUnavailable},
		{rpctypes.ErrNoLeader, store.ErrUnavailable},
		{rpctypes.ErrLeaderChanged, store.ErrUnavailable},
		{rpctypes.ErrTimeout, store.ErrUnavailable},
		{rpctypes.ErrTimeoutDueToLeaderFail, store.ErrUnavailable},
		{rpctypes.ErrStopped, store.ErrUnavailable},
		{rpctypes.ErrPermissionDenied, store.ErrUnavailable},
		{context.DeadlineExceeded, store.ErrUnavailable}, // of our own patience, not the caller's
		{errors.New("anything else"), store.ErrUnavailable},
		{errGone, store.ErrUnavailable},
		{store.ErrNoLease, store.ErrNoLease},
	} {
		if got := kind(t.Context(), c.err); !errors.Is(got, c.want) {
			t.Errorf("%v is %v, want %v", c.err, got, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := kind(ctx, rpctypes.ErrNoSpace); !errors.Is(got, context.Canceled) {
		t.Errorf("after its context ended: %v", got)
	}
}

func TestByRevision(t *testing.T) {
	for _, c := range []struct {
		in   []int64
		want string
	}{
		{nil, "[]"},
		{[]int64{5}, "[1]"},
		{[]int64{5, 5, 6, 8, 8, 8}, "[2 1 3]"},
	} {
		var events []*clientv3.Event
		for _, r := range c.in {
			events = append(events, &clientv3.Event{Kv: &mvccpb.KeyValue{ModRevision: r}})
		}
		sizes := []int{}
		for _, part := range byRevision(events) {
			sizes = append(sizes, len(part))
		}
		if got := fmt.Sprint(sizes); got != c.want {
			t.Errorf("%v: %s, want %s", c.in, got, c.want)
		}
	}
}

// What a new stream tells again is not told again, and what got says ends it.
func TestWatchingTellsOnce(t *testing.T) {
	var told []store.Revision
	stop := errors.New("stop")
	w := &watching{store: &Store{}, next: 5, got: func(r store.Revision, _ []store.Event) error {
		if told = append(told, r); r == 8 {
			return stop
		}
		return nil
	}}
	answer := func(revisions ...int64) clientv3.WatchResponse {
		a := clientv3.WatchResponse{Header: &etcdserverpb.ResponseHeader{Revision: 7}}
		for _, r := range revisions {
			a.Events = append(a.Events, &clientv3.Event{Kv: &mvccpb.KeyValue{ModRevision: r}})
		}
		return a
	}
	for _, a := range []clientv3.WatchResponse{answer(4, 5, 5), answer(5, 6), answer(5, 6)} {
		if err := w.hear(t.Context(), a); err != nil {
			t.Error(err)
		}
	}
	if w.next != 7 {
		t.Errorf("goes on from %d", w.next)
	}
	if err := w.hear(t.Context(), answer()); err != nil || w.next != 8 {
		t.Errorf("told how far the store is, it goes on from %d: %v", w.next, err)
	}
	if err := w.hear(t.Context(), answer(7, 8, 9)); !errors.Is(err, stop) || !errors.Is(w.refused, stop) {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(told, []store.Revision{5, 6, 8}) {
		t.Errorf("told %v", told)
	}
}

func TestSpan(t *testing.T) {
	end := store.After("")
	for _, c := range []struct{ prefix, from, until, first, last string }{
		{"/p/", "a", "b", "/p/a", "/p/b"},
		{"/p/", "", end, "/p/", "/p0"},
		{"/p/", "b", "a", "/p/b", "/p/b"},
		{"/p/", "a", "", "/p/a", "/p/a"},
		{"", "a", "", "a", "a"},
		{"", "", end, "\x00", "\x00"},
		{"", "a", end, "a", "\x00"},
		{"\xff", "a", end, "\xffa", "\x00"},
	} {
		s := &Store{prefix: c.prefix}
		if first, last := s.span(c.from, c.until); first != c.first || last != c.last {
			t.Errorf("%q in %q…%q: %q…%q", c.prefix, c.from, c.until, first, last)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		address string
		secure  bool
		want    []string
	}{
		{"etcd://a", false, []string{"http://a:2379"}},
		{"etcd://a:1,b,[::1]:3,[::1]", true, []string{"https://a:1", "https://b:2379", "https://[::1]:3", "https://[::1]:2379"}},
		{"etcd://a/", false, []string{"http://a:2379"}},
		{"etcd://", false, nil},
		{"http://a", false, nil},
		{"etcd://a,,b", false, nil},
		{"etcd://a/b", false, nil},
		{"etcd://user@a", false, nil},
		{"", false, nil},
	} {
		got, err := parseEndpoints(c.address, c.secure)
		if !slices.Equal(got, c.want) || (c.want == nil) != errors.Is(err, store.ErrInvalid) {
			t.Errorf("%q: %v, %v", c.address, got, err)
		}
	}
}

func TestEndpointsOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringOf(rapid.SampledFrom([]rune("etcd:/,[]ab1.% \x00"))).Draw(t, "address")
		endpoints, err := parseEndpoints(address, rapid.Bool().Draw(t, "secure"))
		if (err == nil) != (len(endpoints) > 0) {
			t.Errorf("%v, %v", endpoints, err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Name: "a", Dir: "d", Listen: "http://127.0.0.1:7403"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for word, spoil := range map[string]func(*Config){
		"want one without comma":          func(c *Config) { c.Name = "a,b" },
		"no data directory":               func(c *Config) { c.Dir = "" },
		"listen:":                         func(c *Config) { c.Listen = "127.0.0.1:7403" },
		"address:":                        func(c *Config) { c.Address = "http://nowhere" },
		"initial member b":                func(c *Config) { c.Initial = map[string]string{"a": c.Listen, "b": "x"} },
		"are without":                     func(c *Config) { c.Initial = map[string]string{"b": "http://b:1"} },
		"among the initial members, and":  func(c *Config) { c.Initial = map[string]string{"a": "http://b:1"} },
		"is longer than":                  func(c *Config) { c.Prefix = strings.Repeat("x", 65) },
		"heartbeat 1ms":                   func(c *Config) { c.Heartbeat = time.Millisecond },
		"below five heartbeats":           func(c *Config) { c.Election = 200 * time.Millisecond },
		"election 1m0s":                   func(c *Config) { c.Election = time.Minute },
		"history":                         func(c *Config) { c.History = time.Millisecond },
		"quota":                           func(c *Config) { c.Quota = 1 },
		"not below zero":                  func(c *Config) { c.Reserve = -1 },
		"wants certificate, key":          func(c *Config) { c.TLS.Key, c.Listen = "k", "https://a:1" },
		"https with TLS":                  func(c *Config) { c.Listen = "https://a:1" },
		"http without: listen is http://": func(c *Config) { c.TLS = TLS{Certificate: "c", Key: "k", Authority: "a"} },
	} {
		c := good
		spoil(&c)
		_, err := New(c, Deps{})
		if !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// stuck is a log that writes nothing until it may.
type stuck struct {
	slog.Handler
	may chan struct{}
}

func (s stuck) Handle(ctx context.Context, r slog.Record) error {
	<-s.may
	return s.Handler.Handle(ctx, r)
}

// A log that hangs does not make etcd wait, and what was dropped is counted.
func TestLogDoesNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		may := make(chan struct{})
		z := newZapLog(slog.New(stuck{slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}), may}))
		ctx, cancel := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { z.run(ctx) })
		l := z.logger().With(zap.String("who", "me"))
		l.Error("the first", zap.Error(errors.New("why")), zap.Int("n", 1))
		synctest.Wait() // it hangs in the first
		for range logRoom + 7 {
			l.Warn("more")
		}
		close(may)
		cancel()
		wait.Wait()
		for _, want := range []string{
			`level=WARN msg="store: the first" error=why n=1 who=me`, `level=DEBUG msg="store: more" who=me`, `"lines dropped"=7`,
		} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("the log is without %s", want)
			}
		}
		if z.lastWord() != "more" {
			t.Errorf("the last word is %q", z.lastWord())
		}
	})
}

// An operator sees what matters to one; the rest is for those who look closely.
func TestWhatLinesOfEtcdAreWorth(t *testing.T) {
	z := newZapLog(slog.New(slog.DiscardHandler))
	for _, line := range []struct {
		level   zapcore.Level
		message string
		worth   slog.Level
	}{
		{zapcore.InfoLevel, "opened backend db", slog.LevelDebug},
		{zapcore.InfoLevel, "added member", slog.LevelInfo},
		{zapcore.InfoLevel, "recovered/added member from store", slog.LevelDebug},
		{zapcore.WarnLevel, "simple token is not cryptographically signed", slog.LevelDebug},
		{zapcore.WarnLevel, "slow fdatasync", slog.LevelWarn},
		{zapcore.WarnLevel, "apply request took too long", slog.LevelWarn},
		{zapcore.WarnLevel, "rejected connection on peer endpoint", slog.LevelWarn},
		{zapcore.ErrorLevel, "something failed", slog.LevelWarn},
		{zapcore.PanicLevel, "cannot go on", slog.LevelError},
	} {
		if got := z.worth(zapcore.Entry{Level: line.level, Message: line.message}); got != line.worth {
			t.Errorf("%v %q is %v", line.level, line.message, got)
		}
	}
	z.leaves.Store(true)
	if got := z.worth(zapcore.Entry{Level: zapcore.ErrorLevel, Message: "setting up serving failed"}); got != slog.LevelDebug {
		t.Errorf("of a member that is being ended, it is %v", got)
	}
}

// Requests wait before the door, are ended when a reign ends, and have all left
// when it is shut.
func TestDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		d.newReign()() // before anybody leads: nothing
		entered := make(chan visit)
		go func() {
			v, err := d.enter(t.Context())
			if err != nil {
				t.Error(err)
			}
			entered <- v
		}()
		synctest.Wait()
		d.unlock(visit{})
		v := <-entered
		endOld := d.newReign()
		younger, err := d.enter(t.Context())
		if err != nil || v.reign.Err() != nil {
			t.Errorf("a reign ended early: %v, %v", err, v.reign.Err())
		}
		endOld()
		if v.reign.Err() == nil || younger.reign.Err() != nil || v.life.Err() != nil {
			t.Error("the old reign ends, and only that")
		}
		v.leave()
		shut := make(chan struct{})
		go func() { d.shut(); close(shut) }()
		synctest.Wait()
		select {
		case <-shut:
			t.Error("shut with somebody inside")
		default:
		}
		if younger.life.Err() == nil || younger.reign.Err() == nil {
			t.Error("who is inside is not told that it ends")
		}
		younger.leave()
		<-shut
		if _, err := d.enter(t.Context()); !errors.Is(err, errGone) {
			t.Errorf("entering afterwards: %v", err)
		}
		d.shut() // twice is fine
	})
}

func TestStateWord(t *testing.T) {
	if got := word(false, true, nil); got != NoLeader {
		t.Error(got)
	}
	if got := word(true, true, nil); got != Learning {
		t.Error(got)
	}
	if got := word(true, false, nil); got != Ready {
		t.Error(got)
	}
}
