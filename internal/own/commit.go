package own

import (
	"context"
	"errors"
	"fmt"

	"hyperscale"
	"hyperscale/internal/store"
)

// What a commit may have at most, in bytes; more is [store.ErrTooLarge].
const (
	MaxCommit   = 16 << 20  // records together
	MaxMeta     = 256 << 10 // what the manifest carries
	maxManifest = 768 << 10 // as stored, with the lengths of all records since the base
	maxEvents   = 256 << 10 // as stored
)

// Commit is what an owner makes durable at once: all of it or nothing.
type Commit struct {
	Records [][]byte           // the change since the last commit
	Base    bool               // Records are the whole state: what was before is forgotten
	Meta    []byte             // in the manifest, in place of the one before
	Events  []hyperscale.Event // Seq and Epoch are filled in
	Head    *Head              // nil: unchanged
}

// attempt is a commit on its way: the same bytes however often it is tried.
type attempt struct {
	manifest manifest
	head     *Head
	last     bool // the owner key goes with it
	stream   []byte
	ops      []store.Op // of the transaction that commits
}

// Commit makes c durable, after everything that was given before. When it
// returns nil it is. [ErrFenced]: it may or may not be, and the caller stops.
// With [ErrInvalid] and [store.ErrTooLarge] it is not, and all is as before.
//
// After any other error, such as [store.ErrUnavailable], it is kept: the caller
// does not give it again. The next call of Commit, [Tenure.Resolve] or
// [Tenure.Finish] first finds out by reading whether it stands, and writes it if
// not. If that fails the error is also of kind [ErrOpen], and c is not kept.
func (t *Tenure) Commit(ctx context.Context, c Commit) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	if t.over != nil { // what was open was the end
		return t.over
	}
	if err := t.mayHave(c.Head); err != nil {
		return err
	}
	a, err := t.attempt(c, false)
	if err != nil {
		return fmt.Errorf("commit of job %s: %w", t.job, err)
	}
	t.open = a
	return t.write(ctx)
}

// ready resolves what is open before something new is taken.
func (t *Tenure) ready(ctx context.Context) error {
	err := t.Resolve(ctx)
	if err != nil && t.open != nil {
		return fmt.Errorf("%w: %w", ErrOpen, err)
	}
	return err
}

// mayHave refuses a head that would end the job, or undo its end.
func (t *Tenure) mayHave(h *Head) error {
	if h == nil || h.Phase == t.head.Phase && h.Result == t.head.Result && h.Ended.Equal(t.head.Ended) {
		return nil
	}
	if h.Phase.Terminal() || t.head.Phase.Terminal() {
		return fmt.Errorf("job %s from %s to %s: only finishing ends a job, once: %w", t.job, t.head.Phase, h.Phase, ErrInvalid)
	}
	return nil
}

// Resolve finds out by reading whether the commit whose outcome is open stands,
// and writes it if not. It returns nil when none is open. Its errors are those of
// [Tenure.Commit].
func (t *Tenure) Resolve(ctx context.Context) error {
	if t.over != nil || t.open == nil {
		return t.over
	}
	read, err := t.st.Txn(ctx, store.Txn{Then: t.look()})
	if err != nil {
		return fmt.Errorf("commit of job %s: %w", t.job, unanswered(err))
	}
	if settled, err := t.judge(read.Read); settled || err != nil {
		return err
	}
	return t.write(ctx)
}

// nextVersion is above all that any owner has used.
func (t *Tenure) nextVersion() Version {
	return max(t.manifest.Version, firstVersion(t.owner.Epoch)) + 1
}

func (t *Tenure) attempt(c Commit, last bool) (*attempt, error) {
	size := 0
	for _, r := range c.Records {
		size += len(r)
	}
	if size > MaxCommit {
		return nil, fmt.Errorf("records of %d bytes, %d are taken: %w", size, MaxCommit, store.ErrTooLarge)
	}
	if len(c.Meta) > MaxMeta {
		return nil, fmt.Errorf("meta of %d bytes, %d are taken: %w", len(c.Meta), MaxMeta, store.ErrTooLarge)
	}
	m := t.manifest
	m.Version, m.Meta = t.nextVersion(), c.Meta
	m.Events += uint64(len(c.Events))
	a := &attempt{head: c.Head, last: last}
	if c.Base {
		m.Pieces = nil
		a.ops = append(a.ops, store.Op{Kind: store.DeleteRange, Key: recordsKey(t.job), Until: versionKey(t.job, m.Version)})
	}
	if len(c.Records) > 0 {
		var p piece
		p, a.stream = newPiece(m.Version, c.Records)
		m.Pieces = append(m.Pieces[:len(m.Pieces):len(m.Pieces)], p)
	}
	a.manifest = m
	return a, t.addOps(a, c.Events)
}

// addOps makes the writes of the transaction that commits, the chunks apart.
func (t *Tenure) addOps(a *attempt, events []hyperscale.Event) error {
	text, err := a.manifest.text()
	if err != nil {
		return err
	}
	a.ops = append(a.ops, put(manifestKey(t.job), text))
	if a.head != nil {
		h := *a.head
		if h.rest == nil {
			h.rest = t.head.rest
		}
		if text, err = h.text(); err != nil {
			return err
		}
		a.head = &h
		a.ops = append(a.ops, put(headKey(t.job), text))
	}
	if len(events) > 0 {
		if text, err = eventsText(events, t.manifest.Events, t.owner.Epoch); err != nil {
			return err
		}
		a.ops = append(a.ops, put(eventKey(t.job, a.manifest.Events), text))
	}
	if a.last {
		a.ops = append(a.ops, store.Op{Kind: store.Delete, Key: ownerKey(t.job)})
	}
	return nil
}

// write carries the open attempt out: chunks first, as far as they do not fit
// into the transaction that commits.
func (t *Tenure) write(ctx context.Context) error {
	a := t.open
	chunks := make([]store.Op, chunksOf(len(a.stream)))
	for n := range chunks {
		chunks[n] = put(chunkKey(t.job, a.manifest.Version, n), chunk(a.stream, n))
	}
	if size := sizeOf(a.ops) + sizeOf(chunks); size > store.MaxRequest-requestSlack {
		for len(chunks) > 0 {
			n := min(chunksAtOnce, len(chunks))
			if done, err := t.guarded(ctx, chunks[:n]); err != nil || !done.Held {
				return t.missed(done, err)
			}
			chunks = chunks[n:]
		}
	}
	done, err := t.guarded(ctx, append(chunks, a.ops...))
	if err != nil || !done.Held {
		return t.missed(done, err)
	}
	t.settle(done.Revision)
	return nil
}

// What is left free in a request for the conditions and what surrounds them, and
// how many chunks go into one.
const (
	requestSlack = 16 << 10
	chunksAtOnce = 2
)

func sizeOf(ops []store.Op) int {
	size := 0
	for _, op := range ops {
		size += len(op.Key) + len(op.Value) + len(op.Until)
	}
	return size
}

func (t *Tenure) guarded(ctx context.Context, ops []store.Op) (store.Done, error) {
	return t.st.Txn(ctx, store.Txn{If: t.guard(), Then: ops, Else: t.look()})
}

// missed says what a write came to that failed or was not held.
func (t *Tenure) missed(done store.Done, err error) error {
	if err != nil {
		if errors.Is(err, store.ErrTooLarge) || errors.Is(err, store.ErrInvalid) {
			t.open = nil // it never can be done, and was not
		}
		return fmt.Errorf("commit of job %s: %w", t.job, unanswered(err))
	}
	settled, err := t.judge(done.Read)
	if !settled && err == nil {
		// Our fence stands and so does the manifest, and yet the guard did not hold.
		return t.end("the guard failed for no reason that can be read")
	}
	return err
}

// judge says from what stands whether the open attempt was done, or never can be.
func (t *Tenure) judge(read [][]store.Entry) (settled bool, err error) {
	owner, at := only(read[0]), only(read[1])
	m, err := readManifest(at)
	if err != nil {
		return false, t.end(err.Error())
	}
	ours := owner.Mod == store.Revision(t.owner.Fence)
	done := m.Version == t.open.manifest.Version
	switch {
	case done && (ours || t.open.last && owner.Mod == 0):
		t.settle(at.Mod)
		return true, nil
	case !ours:
		return false, t.end("another owns it, or nobody")
	case at.Mod != t.mod:
		return false, t.end("another hand writes under this fence")
	}
	return false, nil
}

// settle takes the open attempt for done.
func (t *Tenure) settle(mod store.Revision) {
	a := t.open
	t.manifest, t.mod, t.open = a.manifest, mod, nil
	if a.head != nil {
		t.head = *a.head
	}
	if a.last {
		_ = t.end("the job is over")
		t.released = true
	}
}
