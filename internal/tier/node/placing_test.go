package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// asking is a node whose placer is another, and what it told that one.
type asking struct {
	n   *Node
	now time.Duration
}

// step gives what the placer is told: the jobs that are spoken of, and after a
// colon the wants and runs.
func (s *asking) step(ev Event) string {
	var out []string
	for _, e := range s.n.Step(s.now, ev) {
		to, is := e.(ToPeer)
		if !is {
			continue
		}
		said := to.Said.(link.Wants)
		text := "all:"
		if len(said.Only) > 0 {
			text = fmt.Sprint(said.Only) + ":"
		}
		for _, w := range said.Wants {
			text += fmt.Sprintf(" %s#%d×%d", w.Job, w.Number, w.Workflows[0].Least)
		}
		for _, r := range said.Runs {
			text += fmt.Sprintf(" runs %s", r.Job)
		}
		out = append(out, fmt.Sprintf("%s %s", to.Node, text))
	}
	return strings.Join(out, "; ")
}

func (s *asking) wants(job string, number uint64, least int) string {
	w := link.Want{Job: hyperscale.JobID(job), Number: number, Workflows: []link.WorkflowCores{{Workflow: "w", Least: least, Most: least}}}
	return s.step(JobWants{Job: w.Job, Wants: []link.Want{w}})
}

func (s *asking) runs(job string, left time.Duration) string {
	id := hyperscale.JobID(job)
	return s.step(JobWants{Job: id, Runs: []link.Run{{Job: id, Workflow: "w", Left: left}}})
}

// A placer is told at once what changed of a job, each second all, and all when it
// is new.
func TestWantsAreToldByWhatChanged(t *testing.T) {
	s := &asking{n: New(Config{Self: "m", Boot: 1}), now: time.Second}
	s.step(Tick{})
	for _, job := range []hyperscale.JobID{"1", "2"} {
		s.step(JobHere{Job: job, Epoch: 1})
	}
	for _, what := range []struct{ did, told, want string }{
		{"nobody places", s.wants("1", 1, 4), ""},
		{"a placer is there", s.step(Placer{"p"}), "p all: 1#1×4"},
		{"the same", s.step(Placer{"p"}), ""},
		{"another job", s.wants("2", 1, 2), "p [2]: 2#1×2"},
		{"nothing new", s.wants("2", 1, 2), ""},
		{"it wants more under the same number", s.wants("2", 1, 3), "p [2]: 2#1×3"},
		{"it runs", s.runs("2", time.Minute), "p [2]: runs 2"},
		{"time alone", s.runs("2", time.Second), ""},
		{"it is over", s.step(JobGone{"2"}), "p [2]:"},
		{"another placer", s.step(Placer{"q"}), "q all: 1#1×4"},
	} {
		if what.told != what.want {
			t.Errorf("%s: %q, want %q", what.did, what.told, what.want)
		}
	}
	s.now += time.Second
	if told := s.step(Tick{}); told != "q all: 1#1×4" {
		t.Errorf("after a second: %q", told)
	}
}
