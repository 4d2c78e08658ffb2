package owner

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/stats"
)

// A record is a list of parts: a letter, a length and the part itself.
const (
	partAccount = 'A' // base: the account as JSON
	partEntries = 'E' // base: all that the job was given, as JSON
	partStep    = 'S' // a step of the story, as JSON
	partJoint   = 'J' // a step of the story: a joint of windows
	partMarks   = 'M' // the marks of the turns that changed
	partState   = 'H' // a change of who holds what, as JSON
	partUp      = 'U' // what was decided of windows for the parent, as JSON
	partKept    = 'K' // base: windows kept for the parent, as JSON
	partRecent  = 'R' // base: how many joints there were, and the last of them
	partOver    = 'O' // base of a job that is over, as JSON: there is no account any more
)

// leastBase is below what size records are not worth a new base.
const leastBase = 256 << 10

// record writes down what changed since the last save, or everything when that is
// less to read.
func (d *desk) record(e *Save) {
	if !d.written.began || d.written.since > max(d.written.base, leastBase) {
		e.Base, e.Record = true, d.base()
		d.written = written{base: len(e.Record), began: true}
		return
	}
	var b []byte
	if d.need.shape { // first: it says whose joints are
		b = appendPart(b, partState, mustJSON(d.state.changes(false)))
	}
	for _, st := range d.story.fresh {
		if st.joint != nil {
			b = appendPart(b, partJoint, st.joint.AppendBinary(nil))
		} else {
			b = appendPart(b, partStep, mustJSON(st))
		}
	}
	d.story.fresh = d.story.fresh[:0]
	if d.up != nil {
		b = appendPart(b, partUp, mustJSON(d.lift()))
	}
	b = appendPart(b, partMarks, d.marks().AppendChange(nil))
	e.Record = b
	d.written.since += len(b)
}

// base writes everything down.
func (d *desk) base() []byte {
	b := appendPart(nil, partAccount, mustJSON(d.story.account))
	d.marks().AppendChange(nil) // the account has them all
	b = appendPart(b, partEntries, mustJSON(d.story.entries))
	d.story.fresh = d.story.fresh[:0]
	if d.up != nil {
		d.lift()
		b = appendPart(b, partKept, mustJSON(d.up.state()))
	}
	if d.cfg.Numbered {
		b = appendPart(b, partRecent, d.numbered.append(nil))
	}
	return appendPart(b, partState, mustJSON(d.state.changes(true)))
}

// remains is what is kept of a job that is over until its parent has acknowledged
// all.
func (d *desk) remains() []byte {
	b := appendPart(nil, partOver, mustJSON(remains{Phase: d.over.Phase, Reason: d.over.Reason, Start: d.state.Start, Done: d.state.Done}))
	return appendPart(b, partKept, mustJSON(d.up.state()))
}

// remains are of a job that is over.
type remains struct {
	Phase  hyperscale.Phase
	Reason string
	Start  uint64
	Done   float64
}

func appendPart(b []byte, kind byte, part []byte) []byte {
	return append(binary.AppendUvarint(append(b, kind), uint64(len(part))), part...)
}

// mustJSON writes what always can be written.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("owner: %T can't be written down: %v", v, err))
	}
	return text
}

// Read is the owner that goes on with a job from what was saved of it: its records
// in order, the first a base, and the job time of the last save.
func Read(cfg Config, records [][]byte, clock hyperscale.JobTime) (*Owner, error) {
	o := blank(cfg)
	for i, r := range records {
		if err := o.read(r); err != nil {
			return nil, fmt.Errorf("read job %s: record %d of %d: %w", cfg.Job, i+1, len(records), err)
		}
	}
	if o.story == nil {
		return nil, fmt.Errorf("read job %s: there is no base", cfg.Job)
	}
	o.clock.last = clock
	o.seconds = clock.Truncate(1e9)
	if o.state.Turns == nil {
		o.state.Turns = map[string]hyperscale.Turn{}
	}
	for _, l := range o.state.Legs {
		o.readjust(l.by(cfg.Plan))
	}
	o.story.fresh = nil
	o.desk.written = written{} // the first save is a base
	if o.over != nil {
		o.desk.end = closed
	}
	return o, nil
}

var errCut = errors.New("cut short")

// read applies one record.
func (o *book) read(b []byte) error {
	for len(b) > 0 {
		kind := b[0]
		n, k := binary.Uvarint(b[1:])
		if k <= 0 || n > uint64(len(b)-1-k) {
			return errCut
		}
		part := b[1+k : 1+k+int(n)]
		b = b[1+k+int(n):]
		if kind != partAccount && kind != partOver && o.story == nil {
			return errors.New("it is no base")
		}
		if err := o.readPart(kind, part); err != nil {
			return err
		}
	}
	return nil
}

func (o *book) readPart(kind byte, part []byte) error {
	switch kind {
	case partAccount:
		a, err := account.Read(o.cfg.Plan, part)
		if err != nil {
			return err
		}
		o.story = newStory(o.cfg)
		o.story.keep(o.cfg, a)
		o.state = state{}
		return nil
	case partEntries:
		var entries []job.Entry
		if err := json.Unmarshal(part, &entries); err != nil {
			return err
		}
		o.story.replay(entries)
		return nil
	case partStep:
		var st step
		if err := json.Unmarshal(part, &st); err != nil {
			return err
		}
		return o.story.again(st)
	case partJoint:
		w, err := stats.DecodeJoint(part)
		if err != nil {
			return err
		}
		o.story.account.Joint(w, o.placeOf(w))
		if o.cfg.Numbered {
			o.numbered.add(w)
		}
		if o.up != nil {
			o.up.open.Add(w, w.ID.Share)
		}
		return nil
	case partRecent:
		return o.numbered.read(part)
	case partMarks:
		return o.marks().Apply(part)
	case partState:
		var c change
		if err := json.Unmarshal(part, &c); err != nil {
			return err
		}
		return o.state.apply(c)
	}
	return o.readUp(kind, part)
}

// readUp reads a part that only jobs with a parent have.
func (o *book) readUp(kind byte, part []byte) error {
	if o.up == nil {
		return fmt.Errorf("no part %q is known of a job without a parent", kind)
	}
	switch kind {
	case partOver:
		var r remains
		if err := json.Unmarshal(part, &r); err != nil {
			return err
		}
		o.story = newStory(o.cfg)
		o.over = &job.Result{Phase: r.Phase, Reason: r.Reason}
		o.state.Start, o.state.Done = r.Start, r.Done
		return nil
	case partUp:
		var c upChange
		if err := json.Unmarshal(part, &c); err != nil {
			return err
		}
		return o.up.apply(c)
	case partKept:
		return o.up.read(part)
	}
	return fmt.Errorf("no part %q is known", kind)
}
