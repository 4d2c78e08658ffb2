package place

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPulse walks the table in the comment of Pulse: every sign in every health,
// once and repeated.
func TestPulse(t *testing.T) {
	const h, b, d, u = Healthy, Busy, Degraded, Unhealthy
	ways := map[Health][]Sign{h: {}, b: {Loaded}, d: {Strained}, u: {Silence}}
	tests := map[Health][7][3]Health{ // by sign: after the first, second and third
		h: {{h, h, h}, {b, b, b}, {d, d, d}, {h, h, h}, {d, d, u}, {u, u, u}, {u, u, u}},
		b: {{b, h, h}, {b, b, b}, {d, d, d}, {b, b, b}, {d, d, u}, {u, u, u}, {u, u, u}},
		d: {{d, h, h}, {d, b, b}, {d, d, d}, {d, d, d}, {d, d, u}, {u, u, u}, {u, u, u}},
		u: {{d, d, h}, {d, d, b}, {d, d, d}, {u, u, u}, {u, u, u}, {u, u, u}, {u, u, u}},
	}
	for from, way := range ways {
		for sign, after := range tests[from] {
			var p Pulse
			for _, s := range way {
				p.Step(s)
			}
			if p.Health() != from {
				t.Fatalf("the way to %v leads to %v", from, p.Health())
			}
			for i, want := range after {
				if got := p.Step(Sign(sign)); got != want || got != p.Health() {
					t.Errorf("%v after sign %d, %d times: %v, not %v", from, sign, i+1, got, want)
				}
			}
		}
	}
}

func TestPulseRisesAsTheWorseOfTwo(t *testing.T) {
	var p Pulse
	for _, step := range []struct {
		sign Sign
		want Health
	}{
		{Strained, Degraded}, {Calm, Degraded}, {Loaded, Busy}, {Calm, Busy}, {Loaded, Busy}, {Calm, Busy}, {Calm, Healthy},
		{ProbeFailed, Degraded}, {ProbePassed, Degraded}, {ProbeFailed, Degraded}, {ProbeFailed, Degraded}, {ProbeFailed, Unhealthy},
		{Loaded, Degraded}, {Loaded, Degraded}, {Strained, Degraded}, {Loaded, Degraded}, {Calm, Busy},
	} {
		if got := p.Step(step.sign); got != step.want {
			t.Fatalf("sign %d: %v, not %v", step.sign, got, step.want)
		}
	}
}

// Any interleaving of statements, probes and detector events gives a legal
// sequence: worse at any time, better only by a statement, and out of UNHEALTHY
// only to DEGRADED.
func TestPulseIsLegal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p Pulse
		for _, s := range rapid.SliceOf(rapid.IntRange(int(Calm), int(Death))).Draw(t, "signs") {
			before := p.Health()
			after := p.Step(Sign(s))
			stated := Sign(s) <= Strained
			if after < before && (!stated || before == Unhealthy && after != Degraded) {
				t.Fatalf("sign %d leads from %v to %v", s, before, after)
			}
			if Sign(s) >= Silence && after != Unhealthy {
				t.Fatalf("sign %d leaves it %v", s, after)
			}
		}
	})
}

func TestRead(t *testing.T) {
	tests := []struct {
		free                      int
		processors, memory, stall float64
		want                      Sign
	}{
		{1, 0, 0, 0, Calm}, {0, 0, 0, 0, Loaded}, {1, 0.85, 0, 0, Loaded}, {1, 0.84, 0.84, 0.9, Calm},
		{1, 0, 0.85, 0, Loaded}, {1, 0, 0.95, 0, Strained}, {0, 1, 0, 1, Strained},
	}
	for _, test := range tests {
		if got := Read(test.free, test.processors, test.memory, test.stall); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}
