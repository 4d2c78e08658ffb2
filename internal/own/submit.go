package own

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/store"
)

// How idempotency keys are remembered.
const (
	idemFor    = 24 * time.Hour
	idemBucket = 5 * time.Minute // keys of so long share a lease
	idemMost   = 100_000
	idemRecent = 1000 // own keys after which all are counted anew
)

// MaxOptions bounds the options of a job, in bytes.
const MaxOptions = 64 << 10

// Submission is a plan on its way to become a job.
type Submission struct {
	Key     string           // the client's idempotency key
	Job     hyperscale.JobID // the job that it becomes, unless its key had one already
	Origin                   // all but Spec, which is filled in
	Content []byte           // plan and options as bytes: the spec
	Event   hyperscale.Event // number 1: What and Detail
}

// digest is of what makes two submissions the same one.
func (s Submission) digest(spec Digest) Digest {
	return DigestOf(fmt.Appendf(nil, "%s %q %q %x", spec, s.Name, s.Priority, s.Options))
}

func (s Submission) check() error {
	switch {
	case s.Client == "" || s.Key == "":
		return mistaken("a submission without client or key")
	case s.Job == "":
		return mistaken("a submission without a name for its job")
	case len(s.Options) > MaxOptions:
		return fmt.Errorf("options of %d bytes, %d are taken: %w", len(s.Options), MaxOptions, store.ErrTooLarge)
	}
	return nil
}

// Accepted is a job that a submission made, or had made before.
type Accepted struct {
	Job    hyperscale.JobID
	Tenure *Tenure // nil: it was made before, and whoever owns it does
}

// Submitter takes submissions for one session. Its methods may be called at the
// same time.
type Submitter struct {
	s    *Session
	full func() bool

	mu     sync.Mutex
	lease  store.LeaseID // of the keys of the bucket
	bucket int64
	known  int // keys when they were last counted
	recent int // own ones since
}

// NewSubmitter makes one. full says whether the store has no room for another
// job; nil: it has.
func NewSubmitter(s *Session, full func() bool) *Submitter { return &Submitter{s: s, full: full} }

// idem is what is remembered under a client's key.
type idem struct {
	Digest Digest           `json:"digest"`
	Job    hyperscale.JobID `json:"job"`
}

// Submit makes a job of a submission, with this node as its owner under epoch 1,
// or gives the one that its key had made within 24 hours. Accepted is durable.
//
// [ErrInvalid]: the key was used for another submission, or a job of that name is
// there. [store.ErrFull]: no room. [ErrNoSession]: this node may own nothing.
// Refusals are not remembered. A store that does not answer leaves the outcome
// open, which is resolved by reading once; if that fails too or finds nothing, the
// error is [store.ErrUnavailable] and the client asks again with the same key. A
// job that comes to be after all has this node as owner, which learns it from
// [WatchOwners] and calls [Adopt].
func (b *Submitter) Submit(ctx context.Context, sub Submission) (Accepted, error) {
	if err := sub.check(); err != nil {
		return Accepted{}, err
	}
	accepted, err := b.submit(ctx, sub)
	if err != nil {
		return Accepted{}, fmt.Errorf("submission %q of %q: %w", sub.Key, sub.Client, err)
	}
	return accepted, nil
}

func (b *Submitter) submit(ctx context.Context, sub Submission) (Accepted, error) {
	sub.Origin.Spec = DigestOf(sub.Content)
	before, err := b.remembered(ctx, sub)
	if err != nil || before.Job != "" {
		return before, err
	}
	if b.full != nil && b.full() {
		return Accepted{}, fmt.Errorf("no room for another job: %w", store.ErrFull)
	}
	for range attempts {
		lease, err := b.leaseFor(ctx, sub.Submitted)
		if err != nil {
			return Accepted{}, err
		}
		whole, err := putSpec(ctx, b.s.st, sub.Origin.Spec, sub.Content, sub.Submitted)
		if err != nil {
			return Accepted{}, err
		}
		accepted, again, err := b.accept(ctx, sub, lease, whole)
		if !again {
			return accepted, err
		}
	}
	return Accepted{}, fmt.Errorf("its spec is swept again and again: %w", store.ErrUnavailable)
}

// remembered gives the job that the key had made; the zero Accepted: none.
func (b *Submitter) remembered(ctx context.Context, sub Submission) (Accepted, error) {
	read, err := b.s.st.Txn(ctx, store.Txn{Then: []store.Op{get(idemKey(sub.Client, sub.Key))}})
	if err != nil {
		return Accepted{}, unanswered(err)
	}
	return sub.answer(only(read.Read[0]))
}

// answer says what a remembered key means for the submission.
func (s Submission) answer(e store.Entry) (Accepted, error) {
	if e.Mod == 0 {
		return Accepted{}, nil
	}
	var before idem
	if _, err := decode(e.Value, &before); err != nil {
		return Accepted{}, fmt.Errorf("%s: %w", e.Key, err)
	}
	if before.Digest != s.digest(s.Origin.Spec) {
		return Accepted{}, mistaken("the key was used within a day for another plan or other options, by job %s", before.Job)
	}
	return Accepted{Job: before.Job}, nil
}

// accept is the transaction that decides. It is to be tried again, from the spec
// on, if that or the bucket's lease went in between.
func (b *Submitter) accept(ctx context.Context, sub Submission, lease store.LeaseID, whole store.Revision) (Accepted, bool, error) {
	t := &Tenure{st: b.s.st, job: sub.Job, owner: b.s.owner(1, BySubmission), manifest: manifest{Events: 1}}
	t.head = Head{Origin: sub.Origin, Phase: hyperscale.Waiting}
	ops, err := sub.ops(t, lease)
	if err != nil {
		return Accepted{}, false, err
	}
	done, err := b.s.st.Txn(ctx, store.Txn{
		If: []store.If{
			absent(idemKey(sub.Client, sub.Key)), absent(headKey(sub.Job)),
			is(specChunkKey(sub.Origin.Spec, 0), whole), b.s.present(),
		},
		Then: ops,
		Else: []store.Op{get(idemKey(sub.Client, sub.Key)), get(nodeKey(b.s.node.ID)), get(headKey(sub.Job))},
	})
	switch {
	case errors.Is(err, store.ErrNoLease):
		b.forget(lease)
		return Accepted{}, true, nil
	case open(err):
		accepted, err := b.resolve(ctx, sub, unanswered(err))
		return accepted, false, err
	case err != nil:
		return Accepted{}, false, err
	case done.Held:
		t.owner.Fence = Fence(done.Revision)
		return Accepted{sub.Job, t}, false, nil
	}
	before, err := sub.answer(only(done.Read[0]))
	switch {
	case err != nil || before.Job != "":
		return before, false, err
	case only(done.Read[1]).Mod != b.s.mod:
		return Accepted{}, false, ErrNoSession
	case only(done.Read[2]).Mod != 0:
		return Accepted{}, false, mistaken("there is a job %s already", sub.Job)
	}
	return Accepted{}, true, nil
}

// resolve finds out by reading what came of a submission that was not answered.
func (b *Submitter) resolve(ctx context.Context, sub Submission, cause error) (Accepted, error) {
	accepted, err := b.remembered(ctx, sub)
	switch {
	case err != nil:
		return Accepted{}, err
	case accepted.Job == "":
		return Accepted{}, cause // it may yet come to be
	case accepted.Job != sub.Job:
		return accepted, nil
	}
	accepted.Tenure, _, err = Adopt(ctx, b.s, sub.Job)
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrNotFound) { // taken over, even swept, since
		return accepted, nil
	}
	return accepted, err
}

// ops are what the transaction of a submission writes.
func (s Submission) ops(t *Tenure, lease store.LeaseID) ([]store.Op, error) {
	key, err := encode(idem{s.digest(s.Origin.Spec), s.Job}, nil)
	if err != nil {
		return nil, err
	}
	head, err := t.head.text()
	if err != nil {
		return nil, err
	}
	owner, err := t.owner.text()
	if err != nil {
		return nil, err
	}
	s.Event.Wall = s.Submitted.UTC()
	event, err := eventsText([]hyperscale.Event{s.Event}, 0, t.owner.Epoch)
	if err != nil {
		return nil, err
	}
	used, err := encode(specUse{s.Submitted.UTC()}, nil)
	if err != nil {
		return nil, err
	}
	return []store.Op{
		{Kind: store.Put, Key: idemKey(s.Client, s.Key), Value: key, Lease: lease},
		put(headKey(s.Job), head), put(ownerKey(s.Job), owner), put(eventKey(s.Job, 1), event),
		put(specUsedKey(s.Origin.Spec), used), // which the sweeper compares
	}, nil
}

// leaseFor gives the lease for keys of that time, and refuses when too many are
// remembered.
func (b *Submitter) leaseFor(ctx context.Context, now time.Time) (store.LeaseID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket := now.Unix() / int64(idemBucket/time.Second)
	if b.lease == 0 || bucket != b.bucket {
		lease, err := b.s.st.Grant(ctx, idemFor+idemBucket)
		if err != nil {
			return 0, unanswered(err)
		}
		b.lease, b.bucket, b.recent = lease, bucket, idemRecent
	}
	if b.recent >= idemRecent {
		n := 0
		_, err := scan(ctx, b.s.st, store.Range{From: idems, Until: store.After(idems), Limit: 10 * page, KeysOnly: true},
			func(store.Entry) error { n++; return nil })
		if err != nil {
			return 0, err
		}
		b.known, b.recent = n, 0
	}
	if b.known+b.recent >= idemMost {
		return 0, fmt.Errorf("%d submissions are remembered: %w", b.known+b.recent, store.ErrFull)
	}
	b.recent++
	return b.lease, nil
}

// forget drops a lease that has ended.
func (b *Submitter) forget(lease store.LeaseID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lease == lease {
		b.lease = 0
	}
}
