package stats

import (
	"strings"
	"testing"
	"time"

	"hyperscale"
)

// scene is a run of 100 s that was flawless until a case changes it.
type scene struct {
	facts    LoadFacts
	slots    Slots
	late     time.Duration
	response time.Duration
	watch    func(sec int) Readings
	more     []Cause
	change   func(*Sums)
	limits   Limits
}

// judge plays the scene and gives the verdict.
func (s scene) judge() Verdict {
	tally := NewTally()
	stream := NewStream("browse", hyperscale.Whole)
	for sec := range 100 {
		r := NewRecord(testLayout())
		if sec == 0 {
			s.first(r)
		}
		watch := Readings{}
		if s.watch != nil {
			watch = s.watch(sec)
		}
		w := stream.Cut(second(sec), []*Record{r}, watch)
		if sec == 99 {
			w.Final, w.Totals = true, stream.totals.clone()
		}
		if sec == 0 && s.change != nil {
			s.change(&w.Sums)
			stream.totals = Ledger{}
			stream.totals.add(&w.Sums)
		}
		tally.Add(w)
	}
	return Judge(tally, []LoadFacts{s.facts}, s.more, s.limits)
}

// first records all that happens, in the first second.
func (s scene) first(r *Record) {
	r.Slots = s.slots
	r.Slots.Completed = s.slots.Started - s.slots.Lost
	for range s.slots.Started {
		r.Lateness.Record(s.late)
	}
	step := &r.Steps[0]
	step.Requests.Started, step.OK = 100, 100
	for range 100 {
		step.Answered(true, s.response, s.response)
	}
}

// saturated gives readings in which so many of the first seconds are saturated.
func saturated(n int) func(int) Readings {
	return func(sec int) Readings {
		r := Readings{Watched: time.Second}
		if sec < n {
			r.Saturated = time.Second
		}
		return r
	}
}

func TestVerdict(t *testing.T) {
	open := LoadFacts{Workflow: "browse", Kind: hyperscale.LoadOpen}
	closed := LoadFacts{Workflow: "browse", Kind: hyperscale.LoadClosed, PlannedVU: 1000 * time.Second}
	paced := closed
	paced.Paced = true
	search := LoadFacts{Workflow: "browse", Kind: hyperscale.LoadSearch}
	iterations := LoadFacts{Workflow: "browse", Kind: hyperscale.LoadIterations}
	due := func(due, missed, refused uint64) Slots {
		return Slots{Due: due, Missed: missed, Refused: refused, Started: due - missed}
	}
	lost := func(due, missed, lost uint64) Slots {
		return Slots{Due: due, Missed: missed, Started: due - missed, Lost: lost}
	}
	vus := func(s float64) Slots {
		return Slots{Due: 10, Started: 10, VUTime: time.Duration(s * float64(time.Second))}
	}
	ms := time.Millisecond
	for name, c := range map[string]struct {
		scene scene
		want  VerdictState
		cause string // found in the first cause; "": there is none
	}{
		"flawless":              {scene{facts: open, slots: due(1000, 0, 0)}, Valid, ""},
		"99.9 % started":        {scene{facts: open, slots: due(1000, 1, 0)}, Valid, ""},
		"99.8 % started":        {scene{facts: open, slots: due(1000, 2, 0)}, Degraded, "did not start 2 of 1,000 due slots"},
		"95 % started":          {scene{facts: open, slots: due(1000, 50, 0)}, Degraded, "95.00 %"},
		"94.9 % started":        {scene{facts: open, slots: due(1000, 51, 0)}, Invalid, "94.90 %"},
		"95 % not lost":         {scene{facts: open, slots: lost(1000, 0, 50)}, Degraded, "the generator lost 50 of 1,000 due slots (95.00 %"},
		"94.9 % not lost":       {scene{facts: open, slots: lost(1000, 0, 51)}, Invalid, "the generator lost 51 of 1,000 due slots (94.90 %"},
		"missed and lost":       {scene{facts: open, slots: lost(1000, 30, 30)}, Invalid, "did not start 30 of 1,000 due slots and lost 30 (94.00 %"},
		"iterations lost":       {scene{facts: iterations, slots: lost(1000, 0, 900)}, Valid, ""},
		"refused":               {scene{facts: open, slots: due(1000, 900, 900)}, Degraded, "percentiles leave out 900 slots refused by max-in-flight"},
		"refused and missed":    {scene{facts: open, slots: due(1000, 900, 800)}, Invalid, "did not start 100 of 1,000"},
		"iterations and cap":    {scene{facts: iterations, slots: due(1000, 900, 0)}, Valid, ""},
		"99.9 % of VU-time":     {scene{facts: closed, slots: vus(999)}, Valid, ""},
		"99 % of VU-time":       {scene{facts: closed, slots: vus(990)}, Degraded, "990.000 of 1000.000 planned VU-seconds"},
		"90 % of VU-time":       {scene{facts: closed, slots: vus(900)}, Invalid, "VU-seconds"},
		"more VU-time":          {scene{facts: closed, slots: vus(1010)}, Valid, ""},
		"late 10 ms":            {scene{facts: open, slots: due(1000, 0, 0), late: 10 * ms}, Valid, ""},
		"late 11 ms":            {scene{facts: open, slots: due(1000, 0, 0), late: 11 * ms}, Degraded, "started 11ms or more after"},
		"late for slow":         {scene{facts: open, slots: due(1000, 0, 0), late: 40 * ms, response: time.Second}, Valid, ""},
		"late 51 ms for slow":   {scene{facts: open, slots: due(1000, 0, 0), late: 51 * ms, response: time.Second}, Degraded, "at most 50ms"},
		"late 100 ms":           {scene{facts: open, slots: due(1000, 0, 0), late: 100 * ms}, Degraded, "late"},
		"late 101 ms":           {scene{facts: open, slots: due(1000, 0, 0), late: 101 * ms}, Invalid, "late"},
		"very late for slow":    {scene{facts: open, slots: due(1000, 0, 0), late: 501 * ms, response: time.Second}, Invalid, "late"},
		"saturated 5 %":         {scene{facts: open, slots: due(9, 0, 0), watch: saturated(5)}, Valid, ""},
		"saturated 6 %":         {scene{facts: open, slots: due(9, 0, 0), watch: saturated(6)}, Degraded, "6.0 % of all seconds"},
		"saturated 20 %":        {scene{facts: open, slots: due(9, 0, 0), watch: saturated(20)}, Degraded, "saturated"},
		"saturated 21 %":        {scene{facts: open, slots: due(9, 0, 0), watch: saturated(21)}, Invalid, "saturated"},
		"saturated paced":       {scene{facts: paced, slots: vus(1000), watch: saturated(21)}, Invalid, "saturated"},
		"saturated, no pace":    {scene{facts: closed, slots: vus(1000), watch: saturated(90)}, Valid, "this machine, not the target, may set the rate"},
		"saturated, iterations": {scene{facts: iterations, slots: due(9, 0, 0), watch: saturated(90)}, Valid, "may set the rate"},
		"clock step 100 ms":     {scene{facts: open, slots: due(9, 0, 0), watch: func(int) Readings { return Readings{ClockStep: 100 * ms} }}, Valid, ""},
		"clock step 101 ms":     {scene{facts: open, slots: due(9, 0, 0), watch: func(int) Readings { return Readings{ClockStep: 101 * ms} }}, Invalid, "clock was set by 101ms"},
		"identity": {scene{facts: open, slots: due(9, 0, 0), change: func(s *Sums) { s.Steps[0].Requests.Started++ }}, Invalid,
			"browse/home: started = ok + failed + timed out + cancelled + lost: 101 is not 100"},
		"no port": {scene{facts: open, slots: due(9, 0, 0), change: func(s *Sums) {
			s.Steps[0].Requests.Started++
			s.Steps[0].Requests.Failed++
			s.Steps[0].Errors.Add(Kind{"no local port", 1, ""})
		}}, Degraded, "1 request failed for this machine's own reason: no local port"},
		"a lost worker":    {scene{facts: open, slots: due(9, 0, 0), more: []Cause{{Degraded, "worker lost", "w3", 5, 6}}}, Degraded, "worker lost"},
		"a note":           {scene{facts: open, slots: due(9, 0, 0), more: []Cause{{Valid, "rows were skipped", "", 5, 6}}}, Valid, "rows were skipped"},
		"search missed":    {scene{facts: search, slots: due(1000, 500, 0)}, Valid, "did not start 500 of 1,000"},
		"search refused":   {scene{facts: search, slots: due(1000, 500, 500)}, Valid, "refused by max-in-flight"},
		"search late":      {scene{facts: search, slots: due(1000, 0, 0), late: time.Second}, Valid, "late"},
		"search saturated": {scene{facts: search, slots: due(9, 0, 0), watch: saturated(90)}, Valid, "may set the rate"},
		"own limits":       {scene{facts: open, slots: due(1000, 51, 0), limits: Limits{LeastCoverage: 0.9}}, Degraded, "94.90 %"},
	} {
		v := c.scene.judge()
		if v.State != c.want {
			t.Errorf("%s: %v %v, want %v", name, v.State, v.Causes, c.want)
			continue
		}
		if c.cause == "" {
			if len(v.Causes) > 0 {
				t.Errorf("%s: causes %v", name, v.Causes)
			}
		} else if len(v.Causes) == 0 || !strings.Contains(v.Causes[0].What, c.cause) {
			t.Errorf("%s: causes %v, want %q", name, v.Causes, c.cause)
		}
	}
}

// A probe of a search is graded by its own sample.
func TestGrade(t *testing.T) {
	for _, c := range []struct {
		slots Slots
		late  time.Duration
		want  VerdictState
	}{
		{Slots{}, 0, Valid},
		{Slots{Due: 1000, Missed: 1}, 10 * time.Millisecond, Valid},
		{Slots{Due: 1000, Missed: 2}, 0, Degraded},
		{Slots{Due: 1000, Missed: 500, Refused: 499}, 0, Valid},
		{Slots{Due: 1000, Missed: 51}, 0, Invalid},
		{Slots{Due: 1000, Started: 1000, Lost: 1}, 0, Valid},
		{Slots{Due: 1000, Missed: 500, Refused: 500, Lost: 51}, 0, Invalid},
		{Slots{Due: 1000}, 50 * time.Millisecond, Degraded},
		{Slots{Due: 1000}, time.Second, Invalid},
	} {
		var s Sample
		s.Slots = c.slots
		s.Lateness.Record(c.late)
		if got := (Limits{}).Grade(&s); got != c.want {
			t.Errorf("%+v late by %v: %v, want %v", c.slots, c.late, got, c.want)
		}
	}
}

// Causes come worst first, each with its interval and node.
func TestCauses(t *testing.T) {
	v := scene{
		facts: LoadFacts{Workflow: "browse", Kind: hyperscale.LoadOpen},
		slots: Slots{Due: 1000, Missed: 2, Started: 998},
		watch: func(sec int) Readings {
			r := Readings{Node: "w1"}
			if sec >= 40 && sec < 70 {
				r.Saturated = time.Second
			}
			return r
		},
		more: []Cause{{State: Degraded, What: "worker lost", Node: "w2", From: time.Minute, To: time.Minute}},
	}.judge()
	if v.State != Invalid || len(v.Causes) != 3 {
		t.Fatalf("%+v", v)
	}
	if c := v.Causes[0]; c.State != Invalid || c.Node != "w1" || c.From != 40*time.Second || c.To != 70*time.Second {
		t.Errorf("first cause %+v", c)
	}
	if c := v.Causes[1]; c.State != Degraded || c.From != 0 || c.To != time.Second {
		t.Errorf("second cause %+v", c)
	}
	if c := v.Causes[2]; c.Node != "w2" {
		t.Errorf("third cause %+v", c)
	}
}

// A turn whose last window never came, and windows of a holder that was taken
// over, are causes.
func TestHoldersAreJudged(t *testing.T) {
	tally := NewTally()
	old, cover := hyperscale.Whole, hyperscale.Whole
	old.Turn, cover.Turn = 1, 2
	tally.Add(counted(old, 1, 1, second(0), 1))
	tally.Add(counted(cover, 1, 1, second(1), 1))
	tally.Add(counted(old, 2, 2, second(1), 1))
	v := Judge(tally, nil, nil, Limits{})
	if v.State != Degraded || len(v.Causes) != 2 {
		t.Fatalf("%+v", v)
	}
	if !strings.Contains(v.Causes[1].What, "the last window of browse [0,1)/1 turn 2 never came") ||
		!strings.Contains(v.Causes[0].What, "browse: 1 iteration was started by a holder") {
		t.Errorf("%+v", v.Causes)
	}
}

// Saturation counts while a scheduled load was on, not while others were.
func TestSaturationOfTheScheduledPart(t *testing.T) {
	tally := NewTally()
	for sec := range 20 {
		w := counted(hyperscale.Whole, uint64(sec+1), uint64(sec+1), second(sec), 1)
		w.Final = sec == 19
		w.Watch.Saturated = time.Second
		if sec >= 10 {
			w.ID.Workflow, w.ID.First, w.ID.Seq = "search", uint64(sec-9), uint64(sec-9)
			w.Watch.Saturated = 0
		}
		tally.Add(w)
	}
	loads := []LoadFacts{{Workflow: "browse", Kind: hyperscale.LoadClosed}, {Workflow: "search", Kind: hyperscale.LoadOpen}}
	j := &judge{tally: tally, limits: defaultLimits}
	j.saturation(loads)
	if v := j.verdict(); v.State != Valid || len(v.Causes) != 1 {
		t.Errorf("%+v", v)
	}
	loads[0].Kind, loads[1].Kind = loads[1].Kind, loads[0].Kind
	j = &judge{tally: tally, limits: defaultLimits}
	j.saturation(loads)
	if v := j.verdict(); v.State != Invalid {
		t.Errorf("%+v", v)
	}
}

// Each identity is one that can be broken.
func TestIdentities(t *testing.T) {
	for name, change := range map[string]func(*Sums){
		"due = started + missed":                               func(s *Sums) { s.Due++ },
		"started = completed + failed + interrupted + lost":    func(s *Sums) { s.Interrupted++ },
		"refused are missed":                                   func(s *Sums) { s.Refused++ },
		"latenesses are of started slots":                      func(s *Sums) { s.Lateness.Record(1) },
		"started slots have a lateness, or were lost":          func(s *Sums) { s.Lateness = Histogram{} },
		"started = ok + failed + timed out + cancelled + lost": func(s *Sums) { s.Steps[0].Cancelled++ },
		"ok requests have a response time":                     func(s *Sums) { s.Steps[0].OKResponse.Record(1); s.Steps[0].Service.Record(1) },
		"timed-out requests have a response time": func(s *Sums) {
			s.Steps[0].Requests.Started++
			s.Steps[0].TimedOut++
			s.Steps[0].Errors.Add(Kind{"timeout", 1, ""})
		},
		"other response times are of failed and timed-out requests": func(s *Sums) { s.Steps[0].OtherResponse.Record(1); s.Steps[0].Service.Record(1) },
		"response and service times":                                func(s *Sums) { s.Steps[0].Service.Record(1) },
		"faulted steps have a kind":                                 func(s *Sums) { s.Steps[0].Faulted++ },
		"failed + timed out = sum of errors":                        func(s *Sums) { s.Steps[0].Errors.Add(Kind{"tls", 1, ""}) },
	} {
		w := counted(hyperscale.Whole, 1, 1, second(0), 2)
		tally := NewTally()
		change(&w.Sums)
		tally.Add(w)
		broken := Identities(tally)
		if len(broken) != 1 || !strings.Contains(broken[0], ": "+name+": ") {
			t.Errorf("%s: %q", name, broken)
		}
	}
}

// What was lost was started, ended by nobody, and has no times.
func TestIdentitiesHoldWithLoss(t *testing.T) {
	w := counted(hyperscale.Whole, 1, 1, second(0), 2)
	w.Due += 3
	w.Slots.Started += 3
	w.Slots.Lost += 3
	w.Steps[0].Requests.Started += 4
	w.Steps[0].Requests.Lost += 4
	tally := NewTally()
	tally.Add(w)
	if broken := Identities(tally); len(broken) > 0 {
		t.Error(broken)
	}
}
