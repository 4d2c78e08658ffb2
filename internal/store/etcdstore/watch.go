package etcdstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"hyperscale/internal/store"
)

// How long a watch waits before it asks again, and how often it asks how far the
// store is, so that it need not begin at a revision that is long forgotten.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
	progressEach = 20 * time.Second
)

// Watch implements [store.Store]. It also ends, with [store.ErrUnavailable], when
// the node that the store belongs to has ended.
func (s *Store) Watch(ctx context.Context, from, until string, since store.Revision,
	got func(store.Revision, []store.Event) error) error {
	w := &watching{store: s, next: since, got: got}
	w.from, w.until = s.span(from, until)
	pause := firstPause
	for {
		before := w.next
		err := w.once(ctx)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("watching %q: %w", from, ctx.Err())
		case w.refused != nil:
			return w.refused
		case errors.Is(err, store.ErrCompacted), errors.Is(err, errGone):
			return fmt.Errorf("watching %q from %d: %w", from, w.next, err)
		case w.next > before:
			pause = firstPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// watching is one Watch over all the streams that it needs.
type watching struct {
	store       *Store
	from, until string         // keys of etcd
	next        store.Revision // nothing before it is told any more; 0: not known yet
	got         func(store.Revision, []store.Event) error
	refused     error // what got said
}

// once watches until the stream breaks, and says why it did.
func (w *watching) once(ctx context.Context) error {
	if w.next == 0 {
		page, err := w.store.Range(ctx, store.Range{Until: "\x00\x00", Limit: 1, KeysOnly: true})
		if err != nil {
			return err
		}
		w.next = page.Revision + 1
	}
	v, err := w.store.source.enter(ctx)
	if err != nil {
		return err
	}
	defer v.leave()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.life, cancel)()
	if w.from >= w.until && w.until != store.After("") {
		<-ctx.Done() // of no keys; etcd would refuse
		return nil
	}
	options := []clientv3.OpOption{
		clientv3.WithRange(w.until), clientv3.WithRev(int64(w.next)), clientv3.WithProgressNotify(),
	}
	if !v.remote {
		return w.follow(ctx, v, v.client.Watch(ctx, w.from, options...))
	}
	ctx = clientv3.WithRequireLeader(ctx)
	return w.follow(ctx, v, v.client.Watch(ctx, w.from, options...))
}

// follow hands on what a stream tells. Where connections can break it asks now
// and then how far the store is.
func (w *watching) follow(ctx context.Context, v visit, stream clientv3.WatchChan) error {
	var ask <-chan time.Time
	if v.remote {
		ticker := time.NewTicker(progressEach)
		defer ticker.Stop()
		ask = ticker.C
	}
	for {
		select {
		case <-ask:
			// Should it fail, the stream will too.
			_ = v.client.RequestProgress(ctx)
		case answer, more := <-stream:
			if !more {
				return errors.New("the stream ended")
			}
			if err := w.hear(ctx, answer); err != nil {
				return err
			}
		}
	}
}

func (w *watching) hear(ctx context.Context, answer clientv3.WatchResponse) error {
	if err := answer.Err(); err != nil {
		return kind(ctx, err)
	}
	for _, part := range byRevision(answer.Events) {
		revision := store.Revision(part[0].Kv.ModRevision)
		if revision < w.next {
			continue // told before
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		events := make([]store.Event, len(part))
		for i, e := range part {
			events[i] = w.store.event(e.Kv, e.Type == mvccpb.Event_DELETE)
		}
		if err := w.got(revision, events); err != nil {
			w.refused = err
			return err
		}
		w.next = revision + 1
	}
	if answer.IsProgressNotify() {
		w.next = max(w.next, store.Revision(answer.Header.Revision)+1)
	}
	return nil
}

// byRevision cuts events into those of one revision each.
func byRevision(events []*clientv3.Event) [][]*clientv3.Event {
	var parts [][]*clientv3.Event
	first := 0
	for i := 1; i <= len(events); i++ {
		if i == len(events) || events[i].Kv.ModRevision != events[first].Kv.ModRevision {
			parts = append(parts, events[first:i])
			first = i
		}
	}
	return parts
}
