package place

import (
	"fmt"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
)

// wanted takes in what a manager wants and runs. It tells grants again that are
// still listed, for they were not heard.
func (p *Placer) wanted(now time.Duration, ev Wanted) []Effect {
	p.round++
	p.ran(now, ev)
	var effects []Effect
	for _, asked := range ev.Wants.Wants {
		if fault := faultOf(asked); fault != "" {
			effects = append(effects, Refuse{To: ev.From, Want: asked, Reason: fault})
			continue
		}
		if w := p.ask(now, ev.From, asked); w != nil && w.given != nil {
			w.told = now
			effects = append(effects, Grant{To: ev.From, Want: w.Want, Given: w.given})
		}
	}
	for _, id := range ev.Only {
		if j := p.jobs[id]; j != nil {
			p.unlisted(ev.From, j)
		}
	}
	if len(ev.Only) == 0 {
		for _, j := range p.jobs {
			p.unlisted(ev.From, j)
		}
	}
	return effects
}

// unlisted withdraws what a manager has just spoken of a job without listing it.
func (p *Placer) unlisted(from hyperscale.NodeID, j *job) {
	for _, w := range j.wants {
		w.withdrawn = w.withdrawn || w.from == from && w.round != p.round
	}
	if j.owner == from && j.round != p.round {
		clear(j.ends)
	}
	p.forget(j)
}

// ran takes in what a manager's jobs run.
func (p *Placer) ran(now time.Duration, ev Wanted) {
	for _, r := range ev.Runs {
		j := p.job(r.Job)
		if j.round != p.round {
			clear(j.ends)
		}
		j.owner, j.told, j.round, j.claimed = ev.From, now, p.round, true
		j.exclusive = j.exclusive || r.Exclusive
		j.ends[r.Workflow] = 0
		if r.Left > 0 {
			j.ends[r.Workflow] = now + r.Left
		}
	}
}

// faultOf says why a want can never be granted by anybody; "": it could.
func faultOf(w link.Want) string {
	if len(w.Workflows) == 0 {
		return "it names no workflow"
	}
	seen := make(map[string]bool)
	for _, f := range w.Workflows {
		switch {
		case f.Least < 1 || f.Most < f.Least:
			return fmt.Sprintf("workflow %s asks for between %d and %d cores", f.Workflow, f.Least, f.Most)
		case seen[f.Workflow]:
			return "it names workflow " + f.Workflow + " twice"
		}
		seen[f.Workflow] = true
	}
	return ""
}

// ask takes one want in, and gives the record of it; nil: it is older than what
// is known of the job.
func (p *Placer) ask(now time.Duration, from hyperscale.NodeID, asked link.Want) *want {
	j := p.job(asked.Job)
	if asked.Epoch < j.epoch {
		return nil
	}
	if asked.Epoch > j.epoch {
		j.epoch = asked.Epoch
		clear(j.granted)
		for _, w := range j.wants {
			w.withdrawn = true // the owner before wants nothing any more
		}
	}
	j.claimed = true
	j.exclusive = j.exclusive || asked.Exclusive
	if j.overtook(asked) {
		return nil
	}
	w := j.numbered(asked.Number)
	if w == nil {
		p.replace(j, asked)
		w = &want{Want: asked, since: now}
		j.wants = append(j.wants, w)
	}
	if w.given == nil {
		w.Want = asked
	}
	w.from, w.listed, w.round, w.withdrawn = from, now, p.round, false
	w.since = min(w.since, now-asked.Queued)
	return w
}

// overtook reports whether a later want for one of the same workflows is known,
// or was granted.
func (j *job) overtook(asked link.Want) bool {
	later := func(w *want) bool {
		return w.Epoch == asked.Epoch && w.Number > asked.Number && overlap(w.Want, asked)
	}
	return slices.ContainsFunc(j.wants, later) ||
		slices.ContainsFunc(asked.Workflows, func(f link.WorkflowCores) bool { return j.granted[f.Workflow] > asked.Number })
}

// numbered is the want of that number under the current epoch; nil: none.
func (j *job) numbered(n uint64) *want {
	for _, w := range j.wants {
		if w.Epoch == j.epoch && w.Number == n {
			return w
		}
	}
	return nil
}

// replace takes back what was granted before for the workflows of a new want.
func (p *Placer) replace(j *job, asked link.Want) {
	for _, old := range j.wants {
		if !overlap(old.Want, asked) {
			continue
		}
		old.withdrawn = true
		for _, f := range asked.Workflows {
			p.recall(old, f.Workflow)
		}
	}
}

func overlap(a, b link.Want) bool {
	return slices.ContainsFunc(a.Workflows, func(w link.WorkflowCores) bool { return names(b, w.Workflow) })
}

func names(w link.Want, workflow string) bool {
	return slices.ContainsFunc(w.Workflows, func(f link.WorkflowCores) bool { return f.Workflow == workflow })
}

// sweep forgets what time has overtaken: workers that are gone, grants that
// nobody took up, and the wants of managers that say nothing.
func (p *Placer) sweep(now time.Duration) {
	for _, w := range p.workers {
		if now-w.heard >= p.config.Gone {
			p.remove(w)
		}
	}
	for _, j := range p.jobs {
		for _, w := range j.wants {
			w.withdrawn = w.withdrawn || now-w.listed > p.config.Void
			if w.open > 0 && now-w.told > p.config.Void {
				p.recall(w, "")
				w.given = nil // still listed: it waits again
			}
		}
		if now-j.told > p.config.Void {
			clear(j.ends)
		}
		p.forget(j)
	}
}
