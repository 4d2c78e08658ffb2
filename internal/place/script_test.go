package place

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/testkit"
)

// player plays a script: between its lines workers beat and managers say what
// they want each second, owners hear grants, and workers take what was given at
// their next beat.
type player struct {
	t        *testing.T
	placer   *Placer
	now      time.Duration
	workers  map[hyperscale.NodeID]*Stated
	mute     map[hyperscale.NodeID]bool
	managers map[hyperscale.NodeID]*link.Wants
	deaf     map[hyperscale.NodeID]bool
	lost     bool // orders do not arrive
	told     map[string]string
}

func newPlayer(t *testing.T) *player {
	return &player{
		t: t, placer: New(Config{}), workers: make(map[hyperscale.NodeID]*Stated),
		mute: make(map[hyperscale.NodeID]bool), managers: make(map[hyperscale.NodeID]*link.Wants),
		deaf: make(map[hyperscale.NodeID]bool), told: make(map[string]string),
	}
}

// TestTranscripts plays the scripts in testdata: blocks of input, each followed
// by a line "----" and what came of it.
func TestTranscripts(t *testing.T) { testkit.Scripts(t, play) }

// play gives the script with its output made anew.
func play(t *testing.T, text string) string {
	p := newPlayer(t)
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		lines := slices.DeleteFunc(strings.Split(input, "\n"), func(l string) bool { return strings.HasPrefix(l, "#") })
		if len(lines) > 0 {
			input += "\n----"
		}
		for _, line := range lines {
			for _, told := range p.line(line) {
				input += "\n" + told
			}
		}
		out = append(out, input)
	}
	return strings.Join(out, "\n\n") + "\n"
}

// line carries out "TIME WHO WHAT …", after the seconds that come before it.
func (p *player) line(text string) []string {
	words := strings.Fields(text)
	at, err := time.ParseDuration(words[0])
	if err != nil || len(words) < 2 {
		p.t.Fatalf("no line: %q", text)
	}
	var out []string
	for p.now/time.Second < at/time.Second {
		p.now = p.now.Truncate(time.Second) + time.Second
		out = append(out, p.second()...)
	}
	p.now = at
	if words[1] == "until" {
		return out
	}
	for _, who := range strings.Split(words[1], ",") {
		out = append(out, p.act(hyperscale.NodeID(who), words[2], words[3:])...)
	}
	return out
}

// second lets everybody beat, and time pass.
func (p *player) second() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(p.workers)) {
		if !p.mute[id] {
			out = append(out, p.state(id)...)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.managers)) {
		out = append(out, p.say(id)...)
	}
	return append(out, p.step(Tick{})...)
}

func (p *player) state(id hyperscale.NodeID) []string {
	p.workers[id].Seq++
	stated := *p.workers[id]
	stated.Uses = slices.Clone(stated.Uses)
	return p.step(stated)
}

func (p *player) say(id hyperscale.NodeID) []string {
	said := *p.managers[id]
	said.Wants = slices.Clone(said.Wants)
	return p.step(Wanted{From: id, Wants: said})
}

// change says what some jobs want now, which the manager says of them from then on.
func (p *player) change(id hyperscale.NodeID, said link.Wants) []string {
	all := p.managers[id]
	all.Wants = slices.DeleteFunc(all.Wants, func(w link.Want) bool { return slices.Contains(said.Only, w.Job) })
	all.Runs = slices.DeleteFunc(all.Runs, func(r link.Run) bool { return slices.Contains(said.Only, r.Job) })
	all.Wants, all.Runs = append(all.Wants, said.Wants...), append(all.Runs, said.Runs...)
	return p.step(Wanted{From: id, Wants: said})
}

func (p *player) act(who hyperscale.NodeID, what string, rest []string) []string {
	switch what {
	case "states", "state":
		p.workers[who] = p.readState(who, rest)
		return p.state(who)
	case "says":
		said := p.readSaid(strings.Join(rest, " "))
		p.managers[who] = &said
		return p.say(who)
	case "changes":
		return p.change(who, p.readSaid(strings.Join(rest, " ")))
	case "falls":
		delete(p.managers, who)
	case "leaves":
		left := Left{p.workers[who].Holder}
		delete(p.workers, who)
		return p.step(left)
	case "mute", "speaks":
		p.mute[who] = what == "mute"
	case "deaf", "hears":
		p.deaf[who] = what == "deaf"
	case "lost", "arrive":
		p.lost = what == "lost"
	case "ends":
		for _, w := range p.workers {
			for _, u := range w.Uses {
				if fmt.Sprintf("%s/%s", u.Job, u.Workflow) == string(who) {
					w.Free += u.Cores
				}
			}
			w.Uses = slices.DeleteFunc(w.Uses, func(u Use) bool { return fmt.Sprintf("%s/%s", u.Job, u.Workflow) == string(who) })
		}
	case "replaced":
		p.placer = New(Config{})
	default:
		p.t.Fatalf("no act: %q", what)
	}
	return nil
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func duration(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// readState reads "FREE/CORES [boot=N] [draining] [busy|degraded|unhealthy]
// [JOB/WORKFLOW=N …]".
func (p *player) readState(who hyperscale.NodeID, words []string) *Stated {
	free, cores, _ := strings.Cut(words[0], "/")
	s := &Stated{Holder: link.Holder{Node: who, Boot: 1}, Free: number(p.t, free), Cores: number(p.t, cores)}
	if old := p.workers[who]; old != nil {
		s.Boot, s.Seq, s.Uses = old.Boot, old.Seq, slices.Clone(old.Uses)
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch job, workflow, use := strings.Cut(key, "/"); {
		case use:
			n := number(p.t, value)
			s.Uses = append(s.Uses, Use{
				Job: hyperscale.JobID(job), Workflow: workflow, Cores: n,
				Share: hyperscale.Share{Hi: int64(n), Of: int64(n), Turn: 1},
			})
		case key == "boot":
			s.Boot, s.Seq, s.Uses = hyperscale.Boot(number(p.t, value)), 0, nil
		case key == "draining":
			s.Draining = true
		case key == "busy":
			s.Health = Busy
		case key == "degraded":
			s.Health = Degraded
		case key == "unhealthy":
			s.Health = Unhealthy
		default:
			p.t.Fatalf("no state: %q", word)
		}
	}
	return s
}

// readSaid reads "want JOB#NUMBER WORKFLOW=N[-M] …; run JOB/WORKFLOW …; of JOB …".
func (p *player) readSaid(text string) link.Wants {
	var said link.Wants
	for _, part := range strings.Split(text, ";") {
		words := strings.Fields(part)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "want":
			said.Wants = append(said.Wants, p.readWant(words[1:]))
		case "of":
			for _, word := range words[1:] {
				said.Only = append(said.Only, hyperscale.JobID(word))
			}
		case "run":
			job, workflow, _ := strings.Cut(words[1], "/")
			run := link.Run{Job: hyperscale.JobID(job), Workflow: workflow}
			for _, word := range words[2:] {
				left, is := strings.CutPrefix(word, "left=")
				if is {
					run.Left = duration(p.t, left)
				}
				run.Exclusive = run.Exclusive || word == "exclusive"
			}
			said.Runs = append(said.Runs, run)
		}
	}
	return said
}

func (p *player) readWant(words []string) link.Want {
	job, n, _ := strings.Cut(words[0], "#")
	w := link.Want{Job: hyperscale.JobID(job), Epoch: 1, Number: uint64(number(p.t, n))}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "high":
			w.Priority = link.PriorityHigh
		case "low":
			w.Priority = link.PriorityLow
		case "auto":
			w.Priority = link.PriorityAuto
		case "exclusive":
			w.Exclusive = true
		case "ornever":
			w.OrNever = true
		case "epoch":
			w.Epoch = hyperscale.Epoch(number(p.t, value))
		case "queued":
			w.Queued = duration(p.t, value)
		case "exclude":
			for _, id := range strings.Split(value, ",") {
				w.Exclude = append(w.Exclude, link.Holder{Node: hyperscale.NodeID(id), Boot: 1})
			}
		case "prefer":
			for _, id := range strings.Split(value, ",") {
				w.Prefer = append(w.Prefer, hyperscale.NodeID(id))
			}
		default:
			low, high, two := strings.Cut(value, "-")
			if !two {
				high = low
			}
			w.Workflows = append(w.Workflows, link.WorkflowCores{Workflow: key, Least: number(p.t, low), Most: number(p.t, high)})
		}
	}
	return w
}

// step steps the placer, lets those concerned act on the effects, and tells
// what is new.
func (p *player) step(ev Event) []string {
	var out []string
	for _, e := range p.placer.Step(p.now, ev) {
		var to hyperscale.NodeID
		var want link.Want
		var text string
		switch e := e.(type) {
		case Grant:
			to, want, text = e.To, e.Want, "grant "+tellGiven(e.Given)
			p.take(e)
		case Refuse:
			to, want, text = e.To, e.Want, "refuse: "+e.Reason
			p.strike(e.To, e.Want)
		case Waiting:
			to, want, text = e.To, e.Want, fmt.Sprintf("wait, number %d", e.Position)
			if e.Expected > 0 {
				text += fmt.Sprintf(", about %v", e.Expected)
			}
			text += ": " + e.Reason
		}
		name := fmt.Sprintf("%s#%d", want.Job, want.Number)
		// How long it still takes falls each second; that is not told again.
		if same := text; p.told[name] != cut(same) {
			p.told[name] = cut(same)
			out = append(out, fmt.Sprintf("%v %s: %s %s", p.now, to, name, text))
		}
	}
	return out
}

func cut(text string) string {
	head, rest, about := strings.Cut(text, ", about ")
	if _, reason, ok := strings.Cut(rest, ": "); about && ok {
		return head + ": " + reason
	}
	return text
}

// take lets an owner hear a grant, and the workers its orders.
func (p *player) take(g Grant) {
	if p.deaf[g.To] {
		return
	}
	p.strike(g.To, g.Want)
	for _, given := range g.Given {
		for i, share := range Divide(given.Cores) {
			c := given.Cores[i]
			w := p.workers[c.Node]
			if p.lost || w == nil || w.Boot != c.Boot || w.Free < c.N {
				continue
			}
			share.Turn = hyperscale.Turn(g.Want.Number)
			w.Free -= c.N
			w.Uses = append(slices.Clone(w.Uses), Use{Job: g.Want.Job, Workflow: given.Workflow, Share: share, Cores: c.N})
		}
	}
}

func (p *player) strike(manager hyperscale.NodeID, want link.Want) {
	if said := p.managers[manager]; said != nil {
		said.Wants = slices.DeleteFunc(said.Wants, func(w link.Want) bool { return w.Job == want.Job && w.Number == want.Number })
	}
}

func tellGiven(all []Given) string {
	var parts []string
	for _, g := range all {
		text := g.Workflow + ":"
		for _, c := range g.Cores {
			text += fmt.Sprintf(" %s×%d", c.Node, c.N)
		}
		parts = append(parts, text)
	}
	return cmp.Or(strings.Join(parts, "; "), "nothing")
}
