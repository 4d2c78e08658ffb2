package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"hyperscale/internal/stats"
)

// Number is a figure that may be unknown; it is null in JSON then. The zero
// value is unknown.
type Number struct {
	Value float64
	Known bool
}

// known is a number; one that no JSON can hold is unknown.
func known(v float64) Number {
	return Number{v, !math.IsNaN(v) && !math.IsInf(v, 0)}
}

// knownIf is v if there was something to take it from.
func knownIf(has bool, v float64) Number {
	if !has {
		return Number{}
	}
	return known(v)
}

// MarshalJSON writes the shortest decimal that is exact, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Known {
		return []byte("null"), nil
	}
	return json.Marshal(n.Value)
}

// seconds gives d as a number of seconds.
func seconds(d time.Duration) float64 { return d.Seconds() }

// millis gives d in milliseconds, exact to the nanosecond.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Named is a list of values with names that becomes a JSON object in the same
// order.
type Named[T any] []Entry[T]

// Entry is one value with its name.
type Entry[T any] struct {
	Name  string
	Value T
}

// MarshalJSON writes an object; an empty list is {}.
func (n Named[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := writeField(&b, e.Name, e.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func writeField(b *bytes.Buffer, name string, value any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(name); err != nil {
		return fmt.Errorf("writing the name %q: %w", name, err)
	}
	b.WriteByte(':')
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing %q: %w", name, err)
	}
	return nil
}

// Spread is what a histogram of durations says. With no count everything else
// is unknown.
type Spread struct {
	Count                  uint64
	Mean, Min, Max, Stddev time.Duration
	Quantiles              []Quantile // by rising percent
}

// Quantile is the duration that a percentage of all lie at or below.
type Quantile struct {
	Percent float64
	Value   time.Duration
}

// spreadOf takes the given percentages, rising, from h.
func spreadOf(h *stats.Histogram, percents []float64) Spread {
	s := Spread{Count: h.Count(), Mean: h.Mean(), Min: h.Min(), Max: h.Max(), Stddev: h.Stddev()}
	for _, p := range percents {
		s.Quantiles = append(s.Quantiles, Quantile{p, h.Quantile(p)})
	}
	return s
}

// At is the quantile of the percentage; false if it was not taken or there is
// nothing.
func (s Spread) At(percent float64) (time.Duration, bool) {
	for _, q := range s.Quantiles {
		if q.Percent == percent && s.Count > 0 {
			return q.Value, true
		}
	}
	return 0, false
}

// MarshalJSON writes {count, mean, min, p50 …, max, stddev} in milliseconds.
func (s Spread) MarshalJSON() ([]byte, error) {
	has := s.Count > 0
	fields := Named[Number]{
		{"mean", knownIf(has, millis(s.Mean))},
		{"min", knownIf(has, millis(s.Min))},
	}
	for _, q := range s.Quantiles {
		fields = append(fields, Entry[Number]{quantileKey(q.Percent), knownIf(has, millis(q.Value))})
	}
	fields = append(fields,
		Entry[Number]{"max", knownIf(has, millis(s.Max))},
		Entry[Number]{"stddev", knownIf(has, millis(s.Stddev))})
	rest, err := fields.MarshalJSON()
	if err != nil {
		return nil, err
	}
	head := strconv.AppendUint([]byte(`{"count":`), s.Count, 10)
	return append(append(head, ','), rest[1:]...), nil
}

// quantileKey is the name of a quantile in JSON: p50, p99_9.
func quantileKey(percent float64) string {
	return string(bytes.ReplaceAll([]byte(quantileName(percent)), []byte("."), []byte("_")))
}

// quantileName is the name of a quantile for people: p50, p99.9.
func quantileName(percent float64) string {
	return "p" + strconv.FormatFloat(percent, 'f', -1, 64)
}
