//go:build linux

package main

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// One stall of a second in ten seconds: a tenth of the slots waits between 0
// and 1 s, so one in a hundred waits 900 ms or longer.
func TestTrueP99(t *testing.T) {
	tests := []struct {
		name   string
		stalls []span
		want   time.Duration
	}{
		{"none", nil, 0},
		{"one", []span{{seconds(4.5), seconds(5.5)}}, 900 * time.Millisecond},
		{"only its beginning within the run", []span{{seconds(9.5), seconds(10.5)}}, 900 * time.Millisecond},
		{"short", []span{{seconds(4.5), seconds(4.55)}}, 0},
	}
	for _, test := range tests {
		got := trueP99(1000, 10*time.Second, test.stalls)
		if (got - test.want).Abs() > time.Millisecond {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestStalls(t *testing.T) {
	got := stalls("stall 4.5000 5.5012\nstall 14.5 15.5\nhits 20\n")
	want := []span{{seconds(4.5), seconds(5.5012)}, {seconds(14.5), seconds(15.5)}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Ratios are formed within a round, so that a machine that slows down between
// rounds does not show in them; a failed run takes its round out.
func TestPairedRatio(t *testing.T) {
	of := func(us ...int) results {
		var rs results
		for _, n := range us {
			r := result{hits: 1, usage: usage{sys: time.Duration(n) * time.Microsecond}}
			if n == 0 {
				r.err = errors.New("failed")
			}
			rs = append(rs, r)
		}
		return rs
	}
	tests := []struct {
		ours, theirs results
		want         float64
	}{
		{of(10, 20, 40), of(20, 40, 80), 0.5},
		{of(10, 0, 30), of(10, 1, 10), 2},
		{of(0), of(10), 0},
		{nil, of(10), 0},
	}
	for i, test := range tests {
		if got := pairedRatio(test.ours, test.theirs, result.perRequest); got != test.want {
			t.Errorf("%d: got %g, want %g", i, got, test.want)
		}
	}
}

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}}
	for _, test := range tests {
		if got := median(test.values); got != test.want {
			t.Errorf("%v: got %g, want %g", test.values, got, test.want)
		}
	}
}

func TestParts(t *testing.T) {
	for n := 1; n < 50; n++ {
		for k := 1; k <= 6; k++ {
			sum := 0
			sizes := parts(n, k)
			for _, size := range sizes {
				sum += size
			}
			if sum != n || slices.Max(sizes)-slices.Min(sizes) > 1 {
				t.Errorf("parts(%d, %d) = %v", n, k, sizes)
			}
		}
	}
}

// Three processes that each hold what the base process holds and 4 KiB for
// every further connection.
func TestPerVU(t *testing.T) {
	base := holding{asked: 1000, connected: 1000, rss: 20 << 20, processes: 1}
	many := holding{asked: 33_000, connected: 33_000, rss: 3*(20<<20) + 30_000*4096, processes: 3}
	if got := many.perVU(base); got != 4096 {
		t.Errorf("got %g bytes, want 4096", got)
	}
}

func TestGoal(t *testing.T) {
	tests := []struct {
		goal goal
		want string
	}{
		{goal{"CPU", 1.1, 1.12, true, "%.2f"}, "CPU ≤ 1.12: 1.10, reached"},
		{goal{"CPU", 1.12, 1.12, true, "%.2f"}, "CPU ≤ 1.12: 1.12, reached"},
		{goal{"CPU", 1.3, 1.12, true, "%.2f"}, "CPU ≤ 1.12: 1.30, missed"},
		{goal{"rate", 1.3, 1.15, false, "%.2f"}, "rate ≥ 1.15: 1.30, reached"},
		{goal{"rate", 1.0, 1.15, false, "%.2f"}, "rate ≥ 1.15: 1.00, missed"},
		{goal{"rate", 0, 1.15, false, "%.2f"}, "rate ≥ 1.15: not measured"},
	}
	for _, test := range tests {
		if got := test.goal.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	got := table([][]string{{"client", "µs"}, {"wrk", "7.3"}, {"short"}})
	want := "| client | µs  |\n|--------|----:|\n| wrk    | 7.3 |\n| short  |     |\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestBetween(t *testing.T) {
	page := "# Performance\n\n<!-- bench:open -->\nold\n<!-- /bench:open -->\n\nThe end.\n"
	tests := []struct{ name, want string }{
		{"open", "# Performance\n\n<!-- bench:open -->\nnew\n<!-- /bench:open -->\n\nThe end.\n"},
		{"tls", page + "\n<!-- bench:tls -->\nnew\n<!-- /bench:tls -->\n"},
	}
	for _, test := range tests {
		if got := between(page, test.name, "new\n"); got != test.want {
			t.Errorf("%s: got\n%s", test.name, got)
		}
	}
}

func TestQuoted(t *testing.T) {
	b := &bench{scratch: "/tmp/hyperscale-bench-7"}
	got := b.quoted([]string{"k6", "--address", "", "-o", "json=/tmp/hyperscale-bench-7/result", "http://127.0.0.1:1/"})
	want := "k6 --address '' -o json=/tmp/result http://127.0.0.1:1/"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{
		{"fast"}, {"closed", "-connections", "64,x"}, {"closed", "-connections", "0"},
		{"closed", "open"}, {"-client-cpu", "1", "-target-cpu", "1"}, {"-unknown"},
	} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
