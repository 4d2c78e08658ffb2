package sink

import (
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"hyperscale/internal/stats"
)

// writeRequest is prometheus.WriteRequest of remote write 1.0, as far as it is used.
// The numbers of the fields are those of prompb/remote.proto and prompb/types.proto.
type writeRequest struct {
	series   []timeSeries
	metadata []meaning
}

// timeSeries is one sample of a series.
type timeSeries struct {
	labels []label // by name
	sample
	at time.Time
}

// sample is a value, or a histogram.
type sample struct {
	value  float64
	spread *stats.Histogram // nil: none
}

// meaning says what a name stands for.
type meaning struct {
	name, about, unit string
	kind              uint64
}

// The types of MetricMetadata.
const (
	typeCounter   = 1
	typeGauge     = 2
	typeHistogram = 3
)

// add adds a sample. A value of a label that is empty is as if it were not there.
func (r *writeRequest) add(labels []label, s sample, at time.Time) {
	r.series = append(r.series, timeSeries{labels, s, at})
}

// describe adds what a name stands for, once.
func (r *writeRequest) describe(name string, spread bool, about, unit string) {
	if slices.ContainsFunc(r.metadata, func(m meaning) bool { return m.name == name }) {
		return
	}
	kind := uint64(typeCounter)
	if spread {
		kind = typeHistogram
	}
	r.metadata = append(r.metadata, meaning{name, about, unit, kind})
}

// sortLabels puts labels in the order of their names.
func sortLabels(list []label) []label {
	slices.SortStableFunc(list, func(a, b label) int { return strings.Compare(a.name, b.name) })
	return list
}

func (r *writeRequest) encode() []byte {
	var b []byte
	for i := range r.series {
		b = putBytes(b, 1, r.series[i].encode())
	}
	for _, m := range r.metadata {
		var x []byte
		x = putVarint(x, 1, m.kind)
		x = putString(x, 2, m.name)
		x = putString(x, 4, m.about)
		x = putString(x, 5, m.unit)
		b = putBytes(b, 3, x)
	}
	return b
}

func (s *timeSeries) encode() []byte {
	var b []byte
	for _, l := range s.labels {
		if l.value == "" {
			continue
		}
		b = putBytes(b, 1, putString(putString(nil, 1, l.name), 2, l.value))
	}
	if s.spread != nil {
		return putBytes(b, 4, encodeNative(s.spread, s.at))
	}
	var x []byte
	if s.value != 0 {
		x = protowire.AppendFixed64(protowire.AppendTag(x, 1, protowire.Fixed64Type), math.Float64bits(s.value))
	}
	return putBytes(b, 2, putVarint(x, 2, uint64(s.at.UnixMilli())))
}

// encodeNative makes a prometheus.Histogram, a native one, of integers. See [powers]
// for what is rounded.
func encodeNative(h *stats.Histogram, at time.Time) []byte {
	b := putVarint(nil, 1, h.Count())
	b = protowire.AppendFixed64(protowire.AppendTag(b, 3, protowire.Fixed64Type), math.Float64bits(h.Sum().Seconds()))
	b = putVarint(b, 4, protowire.EncodeZigZag(scale))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 5, protowire.Fixed64Type), math.Float64bits(1e-9))
	b = putVarint(b, 6, 0)
	spans, deltas := nativeBuckets(powers(h))
	for _, s := range spans {
		x := putVarint(nil, 1, protowire.EncodeZigZag(int64(s.offset)))
		b = putBytes(b, 11, putVarint(x, 2, uint64(s.length)))
	}
	var packed []byte
	for _, d := range deltas {
		packed = protowire.AppendVarint(packed, protowire.EncodeZigZag(d))
	}
	b = putBytes(b, 12, packed)
	return putVarint(b, 15, uint64(at.UnixMilli()))
}

// span is a run of buckets without a gap: so many, so far behind the one before.
type span struct{ offset, length int }

// nativeBuckets are buckets as native histograms have them: runs, and of each count
// how much more it is than the one before.
func nativeBuckets(list []power) (spans []span, deltas []int64) {
	next, before := 0, int64(0)
	for _, p := range list {
		if len(spans) == 0 || p.index != next {
			spans = append(spans, span{offset: p.index - next})
		}
		spans[len(spans)-1].length++
		next = p.index + 1
		deltas = append(deltas, int64(p.count)-before)
		before = int64(p.count)
	}
	return spans, deltas
}

func putVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// putString adds text, which is UTF-8 from here on.
func putString(b []byte, field protowire.Number, text string) []byte {
	return putBytes(b, field, []byte(strings.ToValidUTF8(text, "�")))
}

func putBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
