package rpc

import (
	"math"
	"strings"
	"time"

	"hyperscale"
	pb "hyperscale/internal/rpc/hyperscalev1"
)

// Each value has a function wireX that turns it into its message and one readX
// that turns the message back. Reading refuses what would not be safe to use: a
// share of no division, and names of a newer protocol for things that must not
// be mistaken for others.

// valid makes any bytes the text that protobuf wants.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// small holds a number within what the wire has for counts.
func small(n int) int32 { return int32(min(max(n, math.MinInt32), math.MaxInt32)) }

// count reads a number of things, of which there are never fewer than none.
func count(n int32) int { return int(max(n, 0)) }

// enum reads one of the names numbered 1 … n on the wire and 0 … n-1 here.
func enum[E ~int](what string, wire int32, n E) (E, error) {
	if wire < 1 || E(wire) > n {
		return 0, Errorf(Unsupported, "%s number %d is not known here: the other side may be newer", what, wire)
	}
	return E(wire - 1), nil
}

// each applies f to all of a list; of an empty list it makes nil.
func each[A, B any](list []A, f func(A) B) []B {
	var out []B
	for _, a := range list {
		out = append(out, f(a))
	}
	return out
}

// eachOr is each for an f that may fail.
func eachOr[A, B any](list []A, f func(A) (B, error)) ([]B, error) {
	var out []B
	for _, a := range list {
		b, err := f(a)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

func wirePair(p hyperscale.Pair) *pb.Pair {
	return &pb.Pair{Name: valid(p.Name), Value: valid(p.Value)}
}

func readPair(p *pb.Pair) hyperscale.Pair {
	return hyperscale.Pair{Name: p.GetName(), Value: p.GetValue()}
}

// wireTime holds a time of day; the zero time is 0.
func wireTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func readTime(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func wireShare(s hyperscale.Share) *pb.Share {
	if s == (hyperscale.Share{}) {
		return nil
	}
	return &pb.Share{Lo: s.Lo, Hi: s.Hi, Of: s.Of, FromNs: int64(s.From), Turn: uint64(s.Turn)}
}

// readShare refuses what is not a share: its arithmetic divides by Of.
func readShare(s *pb.Share) (hyperscale.Share, error) {
	share := hyperscale.Share{
		Lo: s.GetLo(), Hi: s.GetHi(), Of: s.GetOf(),
		From: hyperscale.JobTime(s.GetFromNs()), Turn: hyperscale.Turn(s.GetTurn()),
	}
	if share != (hyperscale.Share{}) && !share.Valid() {
		return hyperscale.Share{}, InvalidField("share", "[%d, %d) of %d is no part of a whole", share.Lo, share.Hi, share.Of)
	}
	return share, nil
}
