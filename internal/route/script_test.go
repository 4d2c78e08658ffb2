package route

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/testkit"
)

// TestTranscripts plays the scripts in testdata: blocks of input, each followed by a
// line "----" and what came of it.
func TestTranscripts(t *testing.T) {
	testkit.Scripts(t, func(t *testing.T, text string) string {
		p := &player{t: t, router: New(Config{}), said: make(map[string]*Stated), mute: make(map[string]bool), ways: make(map[string]map[hyperscale.NodeID]time.Duration)}
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
	})
}

// player plays a script. Between its lines each second placers state again what they
// last stated, and beats measure what they last measured.
type player struct {
	t      *testing.T
	router *Router
	now    time.Duration
	said   map[string]*Stated
	mute   map[string]bool
	ways   map[string]map[hyperscale.NodeID]time.Duration // round trips to the managers that are heard
}

// line carries out "TIME WHAT …", or "TIME DATACENTER WHAT …", after the seconds that
// come before it.
func (p *player) line(text string) []string {
	words := strings.Fields(text)
	at := p.duration(words[0])
	var out []string
	for p.now/time.Second < at/time.Second {
		p.now = p.now.Truncate(time.Second) + time.Second
		p.second()
	}
	p.now = at
	switch words[1] {
	case "until":
	case "choose":
		out = append(out, p.choose(words[2:])...)
	case "evacuate":
		ok, why := p.router.Evacuate(p.now, words[2])
		out = append(out, strings.TrimSpace(fmt.Sprintf("%v %s", ok, why)))
	case "lost":
		out = append(out, fmt.Sprint(p.router.Lost(p.now, words[2])))
	default:
		for _, dc := range strings.Split(words[1], ",") {
			out = append(out, p.act(dc, words[2], words[3:])...)
		}
	}
	for i := range out {
		out[i] = words[0] + " " + out[i]
	}
	return out
}

func (p *player) second() {
	for _, dc := range slices.Sorted(maps.Keys(p.said)) {
		if p.said[dc].Seq++; !p.mute[dc] {
			p.router.Step(p.now, *p.said[dc])
		}
	}
	for _, dc := range slices.Sorted(maps.Keys(p.ways)) {
		for _, node := range slices.Sorted(maps.Keys(p.ways[dc])) {
			p.router.Step(p.now, Sampled{dc, node, p.ways[dc][node]})
		}
	}
	p.router.Step(p.now, Tick{})
}

func (p *player) act(dc, what string, rest []string) []string {
	switch what {
	case "expected":
		return p.step(Expected{dc})
	case "removed":
		delete(p.said, dc)
		delete(p.ways, dc)
		return p.step(Removed{dc})
	case "failed":
		return p.step(Failed{dc})
	case "cut":
		return p.step(Cut{dc})
	case "healed":
		return p.step(Healed{dc})
	case "observed":
		var out []string
		for range p.number(rest[1]) {
			out = append(out, p.step(Observed{dc, p.duration(rest[0])})...)
		}
		return out
	case "states":
		p.states(dc, rest)
	case "mute":
		p.mute[dc] = true
	case "is":
		return p.managers(dc, rest)
	default:
		p.t.Fatalf("no act: %q", what)
	}
	return nil
}

// managers reads "heard|silent|ailing|gone m,n [RTT] [open]" of managers.
func (p *player) managers(dc string, words []string) []string {
	state := State(slices.Index([]string{"silent", "heard", "ailing", "gone"}, words[0]))
	if p.ways[dc] == nil {
		p.ways[dc] = make(map[hyperscale.NodeID]time.Duration)
	}
	var out []string
	for _, name := range strings.Split(words[1], ",") {
		node := hyperscale.NodeID(name)
		open := slices.Contains(words, "open")
		out = append(out, p.step(Manager{dc, node, state, open})...)
		if state == Silent || state == Gone {
			delete(p.ways[dc], node)
		}
		if len(words) > 2 && !open {
			p.ways[dc][node] = p.duration(words[2])
			for range samples {
				p.router.Step(p.now, Sampled{dc, node, p.duration(words[2])})
			}
		}
	}
	return out
}

// states reads "FREE/CORES [workers=N] [sick=N] [queued=D] [expected=D] [epoch=N]
// [seq=N] [age=D]".
func (p *player) states(dc string, words []string) {
	free, of, _ := strings.Cut(words[0], "/")
	s := &Stated{Datacenter: dc, Epoch: 1, Capacity: Capacity{Free: p.number(free), Cores: p.number(of), Workers: 4}}
	if before := p.said[dc]; before != nil {
		s.Seq = before.Seq
	}
	s.Seq++
	for _, word := range words[1:] {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "workers":
			s.Workers = p.number(value)
		case "sick":
			s.Unhealthy = p.number(value)
		case "queued":
			s.Queued = p.duration(value)
		case "expected":
			s.Expected = p.duration(value)
		case "epoch":
			s.Epoch = hyperscale.Epoch(p.number(value))
		case "seq":
			s.Seq = uint64(p.number(value))
		case "age":
			s.Age = p.duration(value)
		default:
			p.t.Fatalf("no statement: %q", word)
		}
	}
	p.said[dc], p.mute[dc] = s, false
	p.router.Step(p.now, *s)
}

// choose reads "[in=a,b] [count=N] [prefer=a,b] [cores=LEAST-MOST] [replicate]
// [partial] [latency=D] [rate=R] [current=a,b] [held=D] [briefly]".
func (p *player) choose(words []string) []string {
	w := Wish{SLO: &hyperscale.SLO{}}
	briefly := false
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "in":
			w.Datacenters = strings.Split(value, ",")
		case "count":
			w.Count = p.number(value)
		case "prefer":
			w.Preferred = strings.Split(value, ",")
		case "cores":
			least, most, _ := strings.Cut(value, "-")
			w.Least = p.number(least)
			if most != "" {
				w.Most = p.number(most)
			}
		case "replicate":
			w.Replicate = true
		case "partial":
			w.AllowPartial = true
		case "latency":
			w.SLO.Latency = p.duration(value)
		case "rate":
			rate, err := hyperscale.ParseRate(value)
			if err != nil {
				p.t.Fatal(err)
			}
			w.SLO.Rate = rate
		case "current":
			w.Current = strings.Split(value, ",")
		case "held":
			w.Held = p.duration(value)
		case "briefly":
			briefly = true
		default:
			p.t.Fatalf("no wish: %q", word)
		}
	}
	c := p.router.Choose(p.now, w)
	lines := c.Lines()
	if briefly {
		lines = lines[:1]
	}
	return append(lines, tell(c.Notes)...)
}

func (p *player) step(ev Event) []string { return tell(p.router.Step(p.now, ev)) }

func tell(notes []Note) []string {
	var out []string
	for _, n := range notes {
		out = append(out, fmt.Sprintf("note %q of %q: %s", n.What, n.Datacenter, n.Detail))
	}
	return out
}

func (p *player) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

func (p *player) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}
