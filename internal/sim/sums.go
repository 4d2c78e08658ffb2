package sim

import (
	"hyperscale/internal/stats"
)

// sums are counts that nothing but windows makes: what is lost is in none of them.
type sums struct {
	completed, failed, interrupted uint64
	requests                       stats.Requests
}

func (s *sums) add(slots stats.Slots, requests stats.Requests) {
	s.completed += slots.Completed
	s.failed += slots.Failed
	s.interrupted += slots.Interrupted
	s.requests.OK += requests.OK
	s.requests.Failed += requests.Failed
	s.requests.Cancelled += requests.Cancelled
}

// checkSums demands that the result and the strays beside it are all windows that
// were received, each once: the sum of what workers sent, up to the marks.
func (w judge) checkSums(t *truth, r *stats.Result) {
	sent, counted := map[string]*sums{}, map[string]*sums{}
	for _, f := range t.plan.Workflows {
		sent[f.Name], counted[f.Name] = &sums{}, &sums{}
		sel := r.Tally.Workflow(f.Name)
		counted[f.Name].add(sel.Slots, sel.Requests)
		if stray := r.Tally.Stray(f.Name); len(stray.Steps) > 0 {
			counted[f.Name].add(stray.Slots, stray.Steps[0].Requests)
		}
	}
	for h, windows := range t.sent {
		for seq, text := range windows {
			if seq > t.end.marks[h] {
				continue
			}
			v, err := stats.DecodeWindow([]byte(text))
			if err != nil {
				w.fail("%s: window %d of %s: %v", t.id, seq, holdText(h), err)
				return
			}
			var requests stats.Requests
			if len(v.Steps) > 0 {
				requests = v.Steps[0].Requests
			}
			sent[h.Workflow].add(v.Slots, requests)
		}
	}
	for _, f := range t.plan.Workflows {
		if *sent[f.Name] != *counted[f.Name] {
			w.fail("%s/%s: workers sent %+v, counted were %+v", t.id, f.Name, *sent[f.Name], *counted[f.Name])
		}
	}
}
