package stats

import (
	"errors"
	"fmt"
	"time"

	"hyperscale"
)

// MaxWindowBytes is the most that an encoded window or joint may have. What is
// too large for one message travels in pieces.
const MaxWindowBytes = 16 << 20

// windowFormat is the first byte of every encoding but that of a histogram.
const windowFormat = 1

// What a decoded window may hold at most, so that no bytes can ask for more
// memory than a real plan has reason to.
const (
	maxSteps    = 10_000
	maxChecks   = 100_000
	maxOctaves  = 1 << 17 // 128 MiB of buckets
	maxStatuses = 1000
	maxJobTime  = 10 * 365 * 24 * time.Hour
)

// AppendBinary appends the window to b and returns the extended slice. The same
// content gives the same bytes.
func (w *Window) AppendBinary(b []byte) []byte {
	b = append(b, windowFormat)
	b = appendText(b, w.ID.Workflow)
	s := w.ID.Share
	b = appendInts(b, s.Lo, s.Hi, s.Of, int64(s.From))
	b = appendUints(b, uint64(s.Turn), w.ID.First, w.ID.Seq)
	b = appendInts(b, w.From, w.To)
	b = appendUints(b, uint64(w.Stretch), w.Adjustment, w.InFlight.Iterations, w.InFlight.Requests)
	b = w.Sums.append(b)
	b = w.Watch.append(b)
	var what uint64
	if w.Final {
		what |= isFinal
	}
	if w.joint != nil {
		what |= isJoint
	}
	b = appendUints(b, what)
	if w.Final {
		b = w.Totals.append(b)
	}
	if w.joint != nil {
		b = w.joint.append(b)
	}
	return b
}

// What else an encoded window holds.
const (
	isFinal = 1 << iota // totals of its turn
	isJoint
)

// DecodeWindow reads what AppendBinary wrote of a window that a turn numbered,
// all of b. The bytes may come from anywhere: what is not a window is an error,
// and memory is bounded.
func DecodeWindow(b []byte) (*Window, error) { return new(Decoder).Window(b) }

// DecodeJoint reads what AppendBinary wrote of a joint that has no number, all of
// b; as [DecodeWindow] does.
func DecodeJoint(b []byte) (*Window, error) {
	w := new(Window)
	r, err := decode("joint", b, MaxWindowBytes, maxOctaves)
	if err != nil {
		return nil, err
	}
	w.read(r)
	if w.joint == nil || w.ID.Share != (hyperscale.Share{}) && !w.ID.Share.Valid() || w.ID.First > 0 || w.ID.Seq > 0 {
		r.fail("a window that is no joint, or has a number")
	}
	return w, r.end("joint")
}

// Decoder reads windows into memory that it uses again. The zero value is ready.
type Decoder struct{ w Window }

// Window does what [DecodeWindow] does. The window is valid until the next call.
func (d *Decoder) Window(b []byte) (*Window, error) {
	r, err := decode("window", b, MaxWindowBytes, maxOctaves)
	if err != nil {
		return nil, err
	}
	d.w.empty()
	d.w.read(r)
	s := d.w.ID.Share
	switch {
	case r.err != nil:
	case !s.Valid():
		r.fail("share [%d,%d)/%d", s.Lo, s.Hi, s.Of)
	case d.w.ID.First == 0 || d.w.ID.First > d.w.ID.Seq:
		r.fail("numbers %d…%d", d.w.ID.First, d.w.ID.Seq)
	}
	if err := r.end("window"); err != nil {
		return nil, err
	}
	return &d.w, nil
}

// decode begins to read an encoding of ours that has at most so many bytes and
// octaves of buckets.
func decode(what string, b []byte, most, octaves int) (*reader, error) {
	if len(b) > most {
		return nil, fmt.Errorf("decode %s: %d bytes, at most %d", what, len(b), most)
	}
	r := &reader{b: b, octaves: octaves}
	if v := r.uint(); v != windowFormat {
		r.fail("format %d", v)
	}
	return r, nil
}

// end is the fault found, if any; bytes that are left over are one.
func (r *reader) end(what string) error {
	if n := r.left(); n > 0 {
		r.fail("%d bytes left over", n)
	}
	if r.err != nil {
		return fmt.Errorf("decode %s: %w", what, r.err)
	}
	return nil
}

// read takes all of a window but its format.
func (w *Window) read(r *reader) {
	w.ID.Workflow = r.name(w.ID.Workflow)
	s := &w.ID.Share
	s.Lo, s.Hi, s.Of, s.From = r.int(), r.int(), r.int(), r.duration()
	s.Turn = hyperscale.Turn(r.uint())
	r.uints(&w.ID.First, &w.ID.Seq)
	w.Interval.read(r)
	r.uints(&w.Adjustment, &w.InFlight.Iterations, &w.InFlight.Requests)
	w.Sums.read(r)
	w.Watch.read(r)
	what := r.uint()
	if what > isFinal|isJoint {
		r.fail("parts %d", what)
	}
	if w.Final = what&isFinal != 0; w.Final {
		w.Totals.read(r)
	}
	if what&isJoint != 0 {
		w.joint = newJoint()
		w.joint.read(r)
	}
}

// read takes an interval.
func (i *Interval) read(r *reader) {
	i.From, i.To = r.duration(), r.duration()
	stretch := r.uint()
	i.Stretch = Stretch(stretch)
	switch {
	case r.err != nil:
	case i.From > i.To || i.To > maxJobTime:
		r.fail("interval %v…%v", i.From, i.To)
	case stretch > uint64(InGrace):
		r.fail("stretch %d", stretch)
	}
}

// append appends the sums to b.
func (s *Sums) append(b []byte) []byte {
	b = s.Slots.append(b)
	for _, h := range s.Phases.each() {
		b = h.AppendBinary(b)
	}
	b = s.Lateness.AppendBinary(b)
	b = appendUints(b, uint64(len(s.Steps)))
	for i := range s.Steps {
		b = s.Steps[i].append(b)
	}
	return b
}

// read takes sums into s, which is empty.
func (s *Sums) read(r *reader) {
	s.Slots.read(r)
	for _, h := range s.Phases.each() {
		h.read(r)
	}
	s.Lateness.read(r)
	s.Steps = list(r, s.Steps, maxSteps)
	for i := range s.Steps {
		s.Steps[i].read(r)
	}
}

// list takes the length of a list and makes it, of the memory of one that is not
// needed any more if that has room; nil when it is empty.
func list[T any](r *reader, old []T, limit int) []T {
	switch n := r.length(limit); {
	case n == 0:
		return nil
	case n <= cap(old):
		return old[:n]
	default:
		return make([]T, n)
	}
}

// append appends the step to b.
func (s *StepSums) append(b []byte) []byte {
	b = appendBool(appendText(b, s.Name), s.Group)
	b = s.Requests.append(b)
	b = s.OKResponse.AppendBinary(b)
	b = s.OtherResponse.AppendBinary(b)
	b = s.Service.AppendBinary(b)
	b = appendUints(b, uint64(len(s.Statuses)))
	for _, c := range s.Statuses {
		b = appendUints(b, uint64(c.Code), c.Count)
	}
	b = s.StepErrors.append(s.Errors.append(b))
	b = appendUints(b, uint64(len(s.Checks)))
	for _, c := range s.Checks {
		b = appendUints(appendText(b, c.Name), c.Passed, c.Failed)
	}
	return b
}

// read takes a step into s, which is empty.
func (s *StepSums) read(r *reader) {
	s.Name, s.Group = r.name(s.Name), r.bool()
	s.Requests.read(r)
	s.OKResponse.read(r)
	s.OtherResponse.read(r)
	s.Service.read(r)
	s.readStatuses(r)
	s.Errors.read(r)
	s.StepErrors.read(r)
	s.Checks = list(r, s.Checks, maxChecks)
	for i := range s.Checks {
		s.Checks[i] = CheckCount{r.name(s.Checks[i].Name), r.uint(), r.uint()}
	}
}

// readStatuses takes a step's statuses, which rise.
func (s *StepSums) readStatuses(r *reader) {
	s.Statuses = list(r, s.Statuses, maxStatuses)
	before := -1
	for i := range s.Statuses {
		code, n := r.uint(), r.uint()
		if code > 999 || int(code) <= before || n == 0 {
			r.fail("status %d with %d", code, n)
			return
		}
		before = int(code)
		s.Statuses[i] = StatusCount{before, n}
	}
}

// append appends the kinds to b.
func (k *Kinds) append(b []byte) []byte {
	b = appendUints(b, k.other, uint64(len(k.kinds)))
	for _, kind := range k.kinds {
		b = appendUints(appendText(b, kind.Text), kind.Count)
		b = appendText(b, kind.Sample)
	}
	return b
}

// errKinds is the reason given for kinds that are not in their order.
var errKinds = errors.New("kinds of errors out of order")

// read takes kinds into k, which is empty.
func (k *Kinds) read(r *reader) {
	k.other = r.uint()
	k.kinds = list(r, k.kinds, MaxKinds)
	for i := range k.kinds {
		kind := Kind{r.name(k.kinds[i].Text), r.uint(), r.name(k.kinds[i].Sample)}
		if i > 0 && !kindBefore(k.kinds[i-1].Text, kind.Text) || kind.Text == OtherKind || kind.Sample != clip(kind.Sample, maxSample) {
			r.fail("%v", errKinds)
			return
		}
		k.kinds[i] = kind
	}
}

// append appends the ledger to b.
func (l *Ledger) append(b []byte) []byte {
	b = appendUints(l.Slots.append(b), l.Lateness, uint64(len(l.Steps)))
	for i := range l.Steps {
		s := &l.Steps[i]
		b = appendUints(s.Requests.append(b), s.Responses, s.Errors, s.Checks)
	}
	return b
}

// read takes a ledger into l, which is empty.
func (l *Ledger) read(r *reader) {
	l.Slots.read(r)
	l.Lateness = r.uint()
	l.Steps = list(r, l.Steps, maxSteps)
	for i := range l.Steps {
		s := &l.Steps[i]
		s.Requests.read(r)
		r.uints(&s.Responses, &s.Errors, &s.Checks)
	}
}
