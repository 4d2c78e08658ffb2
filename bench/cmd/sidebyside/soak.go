//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// soakTools run an open load where they know a rate. wrk does not and makes
// what it can.
func soakTools() []tool { return []tool{hyperscaleRate(), k6("k6", "open"), fortio(), wrk()} }

// soak shows goal 7: memory early in a long run and at its end.
func soak(ctx context.Context, b *bench) (record, error) {
	rate, length := b.orRate(2000), b.orDuration(10*time.Minute)
	tools, left := b.present(soakTools())
	rec := record{left: left, notes: []string{"Memory is resident memory, the median over the second tenth of the run and over the last."}}
	rows := [][]string{{"client", "second tenth, MiB", "last tenth, MiB", "growth", "hits"}}
	var goals []goal
	for _, t := range tools {
		s, err := b.soaked(ctx, t, rate, length)
		if err != nil {
			return record{}, err
		}
		early, late := s.part(1), s.part(9)
		b.note("%-24s %.1f → %.1f MiB", t.name, early, late)
		rows = append(rows, []string{t.name, fmt.Sprintf("%.1f", early), fmt.Sprintf("%.1f", late),
			fmt.Sprintf("%+.1f %%", 100*(ratio(late, early)-1)), fmt.Sprint(s.hits)})
		rec.commands = append(rec.commands, b.quoted(s.argv))
		if t.name == ours {
			goals = []goal{{what: "last tenth / second tenth", value: ratio(late, early), bound: 1.1, atMost: true, format: "%.3f"}}
		}
	}
	rec.sections = []section{{title: fmt.Sprintf("%d/s for %s", rate, length), table: table(rows), goals: goals}}
	return rec, nil
}

// A soaking is the memory of one long run, looked at in equal steps.
type soaking struct {
	mib  []float64
	hits int64
	argv []string
}

// part is the median over the i-th tenth, from 0.
func (s soaking) part(i int) float64 {
	n := len(s.mib)
	return median(s.mib[n*i/10 : n*(i+1)/10])
}

func (b *bench) soaked(ctx context.Context, t tool, rate int, length time.Duration) (soaking, error) {
	target, err := b.startTarget(ctx, "target", 1, "--for", whole(length+2*time.Minute))
	if err != nil {
		return soaking{}, err
	}
	defer target.stop()
	do := task{url: target.url, connections: b.connections[0], duration: length, rate: rate, cap: plenty,
		file: filepath.Join(b.scratch, "result")}
	s := soaking{argv: pinned(b.clientCPU, t.argv(do))}
	limited, cancel := context.WithTimeout(ctx, length+time.Minute)
	defer cancel()
	_, _, err = b.run(limited, s.argv, func(ctx context.Context, pid int) {
		every(ctx, length/200, func() {
			if now := rss(pid); now > 0 {
				s.mib = append(s.mib, float64(now)/(1<<20))
			}
		})
	})
	if err != nil {
		return s, fmt.Errorf("%s: %w", t.name, err)
	}
	s.hits, err = target.count("hits")
	return s, err
}
