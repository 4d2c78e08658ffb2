package http1

import (
	"strings"
	"testing"

	"hyperscale/internal/session"
)

// FuzzFeed: nothing that a target sends makes the parser panic, read beyond
// what it was given, keep more than it may, or depend on how it arrives.
func FuzzFeed(f *testing.F) {
	for _, c := range transcripts {
		in, closes := strings.CutSuffix(c.in, end)
		f.Add([]byte(in), uint16(len(in)/2), uint16(3), closes)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut, keep uint16, closes bool) {
		q := ask{keep: int64(keep), keepHead: keep%2 == 0, noBody: keep%7 == 1}
		at := min(int(cut), len(in))
		var p, shared Parser
		shared.Use(new(Lane))
		whole := read(&p, q, closes, string(in))
		for range 2 {
			if parts := read(&shared, q, closes, string(in[:at]), string(in[at:])); parts != whole {
				t.Errorf("cut at %d\n got %+v\nwant %+v", at, parts, whole)
			}
		}
		if parts := read(&p, q, closes, bytewise(string(in))...); parts != whole {
			t.Errorf("byte by byte\n got %+v\nwant %+v", parts, whole)
		}
		if int64(len(whole.Body)) > q.keep || len(whole.Head) > MaxHead+2*strings.Count(string(in), "\n") {
			t.Errorf("kept too much: %+v", whole)
		}
		if whole.Done == (whole.Fault != session.NoFault) && closes {
			t.Errorf("the peer closed, and it is not done or failed: %+v", whole)
		}
	})
}
