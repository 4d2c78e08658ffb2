package own

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/store"
)

// model is what an owner knows that the store must hold.
type model struct {
	records []string // since the last base
	events  []string
}

func (m model) with(c Commit) model {
	if c.Base {
		m.records = nil
	}
	m.records, m.events = slices.Clip(m.records), slices.Clip(m.events)
	for _, r := range c.Records {
		m.records = append(m.records, string(r))
	}
	for _, e := range c.Events {
		m.events = append(m.events, e.What)
	}
	return m
}

func (m model) equal(o model) bool {
	return slices.Equal(m.records, o.records) && slices.Equal(m.events, o.events)
}

// stored is what the store holds.
func stored(t tb, st store.Store) model {
	t.Helper()
	m := model{events: told(t, st, "j")}
	for _, r := range load(t, st, "j").Records {
		m.records = append(m.records, string(r))
	}
	return m
}

// hand is an owner in the property below: what is certain to be stored, and what
// was given since and may be.
type hand struct {
	*Tenure
	sure  model
	given []Commit
}

// possible gives what may be stored.
func (h *hand) possible() []model {
	all := []model{h.sure}
	for _, c := range h.given {
		all = append(all, all[len(all)-1].with(c))
	}
	return all
}

// know takes all that was given for stored.
func (h *hand) know() {
	all := h.possible()
	h.sure, h.given = all[len(all)-1], nil
}

func (h *hand) commit(ctx context.Context, c Commit) error {
	err := h.Tenure.Commit(ctx, c)
	h.hear(c, err)
	return err
}

// hear takes in what an error says of the commit, and of what was open before.
func (h *hand) hear(c Commit, err error) {
	if errors.Is(err, ErrOpen) {
		return
	}
	if !errors.Is(err, ErrFenced) {
		h.know()
	}
	h.given = append(h.given, c)
	if err == nil {
		h.know()
	}
}

// play is a job with owners that come and go over a store that fails.
type play struct {
	t     *rapid.T
	st    store.Store // works
	bad   *faulty     // does not
	sane  bool        // from now on it works too
	now   *hand
	past  []*hand
	nodes []*Session
	n     int // commits given
}

func newPlay(t *rapid.T) *play {
	p := &play{t: t}
	p.st, _ = newStore()
	p.bad = &faulty{Store: p.st, next: p.fault}
	for _, name := range []hyperscale.NodeID{"a", "b", "c"} {
		s := begin(t, p.st, name)
		own := submission("j")
		if name == "a" {
			got, err := NewSubmitter(s, nil).Submit(context.Background(), own)
			ok(t, err)
			got.Tenure.st = p.bad
			p.now = &hand{Tenure: got.Tenure, sure: model{events: []string{"accepted"}}}
		}
		s.st = p.bad
		p.nodes = append(p.nodes, s)
	}
	return p
}

func (p *play) fault() fault {
	if p.sane {
		return works
	}
	return rapid.SampledFrom([]fault{works, works, works, works, before, after, late}).Draw(p.t, "fault")
}

// change makes a commit that is told from all others.
func (p *play) change() Commit {
	p.n++
	c := Commit{Base: rapid.IntRange(0, 4).Draw(p.t, "base") == 0}
	for i := range rapid.IntRange(0, 2).Draw(p.t, "records") {
		record := []byte(fmt.Sprintf("%d.%d", p.n, i))
		if rapid.IntRange(0, 60).Draw(p.t, "big") == 0 {
			record = append(record, bytes.Repeat([]byte{byte(p.n)}, 2*chunkSize)...)
		}
		c.Records = append(c.Records, record)
	}
	for i := range rapid.IntRange(0, 2).Draw(p.t, "events") {
		c.Events = append(c.Events, hyperscale.Event{What: fmt.Sprintf("%d.%d", p.n, i)})
	}
	return c
}

// check holds the store to what may be.
func (p *play) check() {
	got := stored(p.t, p.st)
	if !slices.ContainsFunc(p.now.possible(), got.equal) {
		p.t.Fatalf("stored %.300v, of the possible %.300v", got, p.now.possible())
	}
}

// takeOver tries until the job is another's.
func (p *play) takeOver(ctx context.Context) {
	s := rapid.SampledFrom(p.nodes).Draw(p.t, "node")
	gone := p.now.Owner()
	for tries := 0; ; tries++ {
		p.sane = tries > 4
		own, saved, err := TakeOver(ctx, s, Take{Job: "j", Gone: gone.Fence, How: ByEvidence}, noon)
		if errors.Is(err, ErrNotFound) && load(p.t, p.st, "j").Owner.Fence == 0 {
			break // it was ended, though its owner does not know yet
		}
		if err != nil {
			own, saved, err = Adopt(ctx, s, "j")
		}
		if err != nil || own.Owner() == gone {
			if tries > 10 {
				p.t.Fatal("no takeover from a store that works:", err)
			}
			continue
		}
		if own.Epoch() != gone.Epoch+1 {
			p.t.Fatalf("epoch %d after %d", own.Epoch(), gone.Epoch)
		}
		p.tookOver(own, saved)
		break
	}
	p.sane = false
}

func (p *play) tookOver(own *Tenure, saved Saved) {
	got := model{events: told(p.t, p.st, "j")}
	for _, r := range saved.Records {
		got.records = append(got.records, string(r))
	}
	change := Commit{}
	if !saved.Head.Phase.Terminal() {
		change.Events = happened(OwnerChanged)
	}
	if !slices.ContainsFunc(p.now.possible(), func(m model) bool { return m.with(change).equal(got) }) {
		p.t.Fatalf("taken over %.300v, of the possible %.300v", got, p.now.possible())
	}
	p.past = append(p.past, p.now)
	p.now = &hand{Tenure: own, sure: got}
}

// act does one thing.
func (p *play) act(ctx context.Context) {
	switch rapid.SampledFrom([]string{"commit", "commit", "commit", "resolve", "late", "old", "takeover"}).Draw(p.t, "do") {
	case "commit":
		if err := p.now.commit(ctx, p.change()); errors.Is(err, ErrFenced) && !p.now.released {
			p.t.Fatal("the owner was fenced:", err)
		}
	case "resolve":
		if p.now.Resolve(ctx) == nil {
			p.now.know()
		}
	case "late":
		p.bad.arrive(rapid.IntRange(0, 9).Draw(p.t, "which"))
	case "old":
		if len(p.past) > 0 {
			if err := rapid.SampledFrom(p.past).Draw(p.t, "owner").Tenure.Commit(ctx, p.change()); err == nil {
				p.t.Fatal("an owner of the past wrote")
			}
		}
	case "takeover":
		p.takeOver(ctx)
	}
}

// TestNothingIsLostOrDoubled is the heart of the matter: whatever the store does
// with each request (it works; fails before; fails after; is done later, when
// nobody expects it any more), what is stored is what was committed, in order,
// once.
func TestNothingIsLostOrDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		p := newPlay(t)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			p.act(ctx)
			p.check()
		}
		p.sane = true
		ok(t, p.now.commit(ctx, p.change()))
		for len(p.bad.late) > 0 {
			p.bad.arrive(0)
		}
		if got := stored(t, p.st); !got.equal(p.now.sure) {
			t.Fatalf("stored %.300v, want %.300v", got, p.now.sure)
		}
	})
}

// TestAJobEndsOnce ends a job over a store that fails: the first decision that
// was written stands, and its result is what was committed.
func TestAJobEndsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		p := newPlay(t)
		first := hyperscale.Phase("")
		phases := []hyperscale.Phase{hyperscale.Completed, hyperscale.Failed, hyperscale.Cancelled}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if p.now.over != nil {
				break
			}
			if rapid.Bool().Draw(t, "finish") {
				c := p.change()
				_, err := p.now.Finish(ctx, Ending{Phase: rapid.SampledFrom(phases).Draw(t, "phase"), Commit: c, Pending: rapid.Bool().Draw(t, "pending"), Now: noon})
				p.now.hear(c, err)
			} else {
				p.act(ctx)
			}
			head := load(t, p.st, "j").Head
			if first == "" && head.Phase.Terminal() {
				first = head.Phase
			}
			if first != "" && (head.Phase != first || head.Result == 0) {
				t.Fatalf("ended as %s, then as %s with result %x", first, head.Phase, head.Result)
			}
		}
		p.sane = true
		head, err := p.now.Finish(ctx, Ending{Phase: hyperscale.TimedOut, Now: noon})
		ok(t, err)
		for len(p.bad.late) > 0 {
			p.bad.arrive(0)
		}
		saved := load(t, p.st, "j")
		if saved.Owner.Fence != 0 || saved.Head.Phase != head.Phase || first != "" && head.Phase != first {
			t.Fatalf("ended as %s, decided first was %q, told %s; owner %v", saved.Head.Phase, first, head.Phase, saved.Owner)
		}
		wantKind(t, p.now.Tenure.Commit(ctx, p.change()), ErrFenced)
	})
}
