package stats

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"hyperscale"
)

// AppendBinary appends all that the watch knows, but not its thresholds, to b.
// The same content gives the same bytes.
func (w *Watch) AppendBinary(b []byte) []byte {
	b = append(b, windowFormat)
	b = appendUints(b, uint64(len(w.rules)))
	for _, r := range w.rules {
		b = r.append(b)
	}
	return b
}

// DecodeWatch reads what AppendBinary wrote of a watch over the same thresholds,
// all of b: what is not that is an error, and memory is bounded. The watch goes
// on as the one that was encoded would have.
func DecodeWatch(thresholds []hyperscale.Threshold, b []byte) (*Watch, error) {
	r, err := decode("watch", b, maxStateBytes, maxStateOctaves)
	if err != nil {
		return nil, err
	}
	w := NewWatch(thresholds)
	if n := r.length(len(w.rules)); n != len(w.rules) {
		r.fail("%d thresholds, not %d", n, len(w.rules))
	}
	for _, rule := range w.rules {
		rule.read(r)
	}
	if err := r.end("watch"); err != nil {
		return nil, err
	}
	return w, nil
}

// append appends what is known of the threshold to b.
func (r *rule) append(b []byte) []byte {
	b = appendUints(b, math.Float64bits(r.worst.Value))
	b = appendInts(b, r.worst.From, r.worst.To, r.since, r.last)
	for _, f := range r.flags() {
		b = appendBool(b, *f)
	}
	if b = appendBool(b, r.slide != nil); r.slide != nil {
		b = r.slide.append(b)
	}
	return b
}

// flags are the truth values in the order in which they are encoded.
func (r *rule) flags() [5]*bool {
	return [5]*bool{&r.worst.Sampled, &r.worst.Passed, &r.broke, &r.fired, &r.breached}
}

// read takes what is known of a threshold.
func (r *rule) read(from *reader) {
	r.worst.Value = math.Float64frombits(from.uint())
	r.worst.From, r.worst.To = time.Duration(from.int()), time.Duration(from.int())
	r.since, r.last = from.duration(), from.duration()
	for _, f := range r.flags() {
		*f = from.bool()
	}
	slides := from.bool()
	if slides != (r.slide != nil) {
		from.fail("a threshold that was another")
	}
	if from.err == nil && slides {
		r.slide.read(from)
	}
}

// append appends the slide to b. Its total is that of the seconds in it.
func (s *slide) append(b []byte) []byte {
	b = appendInts(b, s.next, s.reach, int64(s.first))
	b = s.flight.append(b)
	b = s.load.append(b)
	b = appendUints(b, uint64(len(s.ticks)))
	for _, at := range slices.Sorted(maps.Keys(s.ticks)) {
		k := s.ticks[at]
		b = k.Counts.append(appendInts(b, at))
		if len(k.packed) == 0 {
			b = append(b, 0) // an empty histogram
		} else {
			b = append(b, k.packed...)
		}
	}
	return b
}

// read takes a slide into s, which is new.
func (s *slide) read(r *reader) {
	s.next, s.reach, s.first = r.int(), r.int(), time.Duration(r.int())
	most := ceilSecond(maxJobTime)
	if s.next < 1 || s.next > most+1 || s.reach < 0 || s.reach > most || s.first < 0 {
		r.fail("slide at %d of %d", s.next, s.reach)
		return
	}
	s.flight.read(r)
	s.load.read(r)
	for range r.length(int(most)) {
		at, k := r.int(), &tick{least: math.MaxInt64}
		k.Counts.read(r)
		k.packed = r.packed(&s.scratch)
		if r.err == nil && (at <= s.next-1-s.length || at > most) {
			r.fail("second %d of a slide at %d", at, s.next)
		}
		if r.err != nil {
			return
		}
		if s.scratch.Count() > 0 {
			k.least, k.most = s.scratch.Min(), s.scratch.Max()
		}
		if at < s.next {
			s.total.Merge(&s.scratch)
		}
		s.ticks[at] = k
	}
}

// append appends the counts to b.
func (c *Counts) append(b []byte) []byte {
	b = c.Requests.append(c.Slots.append(b))
	return appendUints(b, c.ChecksPassed, c.ChecksFailed, c.Answers)
}

// read takes counts.
func (c *Counts) read(r *reader) {
	c.Slots.read(r)
	c.Requests.read(r)
	r.uints(&c.ChecksPassed, &c.ChecksFailed, &c.Answers)
}

// AppendBinary appends all that the stream knows to b, so that another can go on
// with the turn.
func (s *Stream) AppendBinary(b []byte) []byte {
	b = append(b, windowFormat)
	b = appendText(b, s.workflow)
	b = appendInts(b, s.share.Lo, s.share.Hi, s.share.Of, int64(s.share.From))
	b = appendUints(b, uint64(s.share.Turn), s.seq)
	b = s.totals.append(b)
	return appendSums(b, s.shape)
}

// DecodeStream reads what AppendBinary wrote, all of b: what is not a stream is
// an error, and memory is bounded.
func DecodeStream(b []byte) (*Stream, error) {
	r, err := decode("stream", b, MaxWindowBytes, maxOctaves)
	if err != nil {
		return nil, err
	}
	s := &Stream{workflow: r.text()}
	s.share.Lo, s.share.Hi, s.share.Of, s.share.From = r.int(), r.int(), r.int(), r.duration()
	s.share.Turn = hyperscale.Turn(r.uint())
	s.seq = r.uint()
	s.totals.read(r)
	s.shape = r.someSums()
	known := 0
	if s.shape != nil {
		known = len(s.shape.Steps)
	}
	if !s.share.Valid() || len(s.totals.Steps) > known {
		r.fail("%s", fmt.Sprintf("share %+v with %d steps", s.share, len(s.totals.Steps)))
	}
	if err := r.end("stream"); err != nil {
		return nil, err
	}
	return s, nil
}
