package route

import (
	"maps"
	"slices"
	"time"

	"hyperscale"
)

// Router keeps what a gate knows of datacenters. It is used by one goroutine.
type Router struct {
	config  Config
	sites   map[string]*site
	cut     moment                 // when a partition was last found
	doubt   moment                 // when so many fell together that it may be our own network
	outdone map[pair]time.Duration // since when the first has scored much worse than the second
}

// pair is two datacenters.
type pair struct{ this, that string }

// site is all that is known of one datacenter.
type site struct {
	managers   map[hyperscale.NodeID]*manager
	silent     time.Duration // since when none of them is heard
	cut        bool
	fell       moment // when it last began to look dead
	failed     moment
	capacity   Capacity
	epoch      hyperscale.Epoch
	seq        uint64
	stated     moment // when the capacity was
	latency    time.Duration
	latencies  int    // that it is the mean of, ten at most
	latencySet moment // when the last was observed
}

// manager is all that is known of one manager.
type manager struct {
	state State
	open  bool
	way   Latency
}

// New makes a router that knows nothing.
func New(config Config) *Router {
	return &Router{config: config.withDefaults(), sites: make(map[string]*site), outdone: make(map[pair]time.Duration)}
}

// Step takes in what happened, and says what people should hear of it.
func (r *Router) Step(now time.Duration, ev Event) []Note {
	switch ev := ev.(type) {
	case Expected:
		r.site(now, ev.Datacenter)
	case Removed:
		delete(r.sites, ev.Datacenter)
	case Manager:
		return r.manager(now, ev)
	case Sampled:
		if s := r.sites[ev.Datacenter]; s != nil && s.managers[ev.Node] != nil {
			s.managers[ev.Node].way.Add(now, ev.RTT)
		}
	case Stated:
		r.site(now, ev.Datacenter).state(now, ev)
	case Observed:
		if s := r.sites[ev.Datacenter]; s != nil {
			s.observe(now, ev.Latency, r.config.Fresh)
		}
	case Failed:
		if s := r.sites[ev.Datacenter]; s != nil {
			s.failed = at(now)
		}
	case Cut:
		return r.cutOff(now, ev.Datacenter)
	case Healed:
		return r.heal(ev.Datacenter)
	case Tick:
		r.compare(now)
	}
	return nil
}

// site is the record of a datacenter, made if there is none.
func (r *Router) site(now time.Duration, name string) *site {
	s := r.sites[name]
	if s == nil {
		s = &site{managers: make(map[hyperscale.NodeID]*manager), silent: now}
		r.sites[name] = s
	}
	return s
}

func (r *Router) manager(now time.Duration, ev Manager) []Note {
	if s := r.sites[ev.Datacenter]; ev.State == Gone && (s == nil || s.managers[ev.Node] == nil) {
		return nil
	}
	s := r.site(now, ev.Datacenter)
	heard, dark := s.heard(), s.dark()
	switch m := s.managers[ev.Node]; {
	case ev.State == Gone:
		delete(s.managers, ev.Node)
	case m == nil:
		s.managers[ev.Node] = &manager{state: ev.State, open: ev.Open}
	default:
		m.state, m.open = ev.State, ev.Open
	}
	if heard > 0 && s.heard() == 0 {
		s.silent = now
	}
	if !dark && s.dark() {
		return r.fall(now, ev.Datacenter, Note{"datacenter silent", ev.Datacenter, "none of its managers is heard"})
	}
	return nil
}

// heard is how many of its managers are heard.
func (s *site) heard() int {
	n := 0
	for _, m := range s.managers {
		if m.state != Silent {
			n++
		}
	}
	return n
}

// dark reports whether it looks dead from here.
func (s *site) dark() bool { return s.cut || s.heard() == 0 }

// state takes a statement of the placer in, if it is the newest.
func (s *site) state(now time.Duration, ev Stated) {
	if s.stated.set && (ev.Epoch < s.epoch || ev.Epoch == s.epoch && ev.Seq <= s.seq) {
		return
	}
	s.capacity, s.epoch, s.seq, s.stated = ev.Capacity, ev.Epoch, ev.Seq, at(now-ev.Age)
}

// surely is how many observations a latency must rest on to be believed wholly, and
// how many it is the mean of, about.
const surely = 10

// observe takes a latency in that a job saw. The mean is that of the last ten or so;
// after a time without any it begins anew.
func (s *site) observe(now, latency, fresh time.Duration) {
	if !s.latencySet.within(now, fresh) {
		s.latencies = 0
	}
	s.latencies = min(s.latencies+1, surely)
	s.latency += (latency - s.latency) / time.Duration(s.latencies)
	s.latencySet = at(now)
}

// believed is how far the observed latency is believed, in percent: by ten for each
// observation, and evenly less until it is no longer fresh.
func (s *site) believed(now, fresh time.Duration) int {
	if !s.latencySet.within(now, fresh) {
		return 0
	}
	left := fresh - (now - s.latencySet.at)
	return int(time.Duration(100*s.latencies/surely) * left / fresh)
}

// Datacenters is what is known of each now, by name: all that a choice rests on.
func (r *Router) Datacenters(now time.Duration) []Datacenter {
	all := make([]Datacenter, 0, len(r.sites))
	for _, name := range slices.Sorted(maps.Keys(r.sites)) {
		all = append(all, r.datacenter(now, name))
	}
	return all
}

func (r *Router) datacenter(now time.Duration, name string) Datacenter {
	s := r.sites[name]
	d := Datacenter{
		Name: name, Managers: len(s.managers), Heard: s.heard(), Cut: s.cut, Doubted: r.doubted(now, s),
		Capacity: s.capacity, Observed: s.latency, Believed: s.believed(now, r.config.Fresh),
		Failed: s.failed.within(now, r.config.Penalty),
	}
	if s.stated.set {
		d.Age = now - s.stated.at
	}
	for _, m := range s.managers {
		if m.state == Ailing || m.state == Heard && m.way.Slow(now, r.config.Slow) {
			d.Ailing++
		}
		if m.open {
			d.Open++
		}
	}
	d.RTT, d.Samples = s.way(r.config.Unmeasured)
	for _, other := range slices.Sorted(maps.Keys(r.sites)) {
		if since, is := r.outdone[pair{name, other}]; is && now-since >= r.config.Worse {
			d.Worse = append(d.Worse, other)
		}
	}
	return d
}

// way is the round trip to expect, and on how many samples that rests: to the nearest
// of the managers that are heard, for one of them is enough; with none heard, of all.
func (s *site) way(unmeasured time.Duration) (rtt time.Duration, n int) {
	rtt = unmeasured
	heard := s.heard() > 0
	for _, node := range slices.Sorted(maps.Keys(s.managers)) {
		m := s.managers[node]
		if m.way.Samples() == 0 || heard && m.state == Silent {
			continue
		}
		if upper := m.way.Upper(); n == 0 || upper < rtt {
			rtt, n = upper, m.way.Samples()
		}
	}
	return rtt, n
}

// compare notes which datacenter scores at least 1.5 times worse than which, and
// since when.
func (r *Router) compare(now time.Duration) {
	all := r.Datacenters(now)
	outdone := make(map[pair]time.Duration)
	for _, this := range all {
		for _, that := range all {
			if 2*this.score(r.config, false).Total < 3*that.score(r.config, false).Total || this.Name == that.Name {
				continue
			}
			names := pair{this.Name, that.Name}
			since, was := r.outdone[names]
			if !was {
				since = now
			}
			outdone[names] = since
		}
	}
	r.outdone = outdone
}
