package owner

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// script drives an owner by words, and tells in words what it wants done.
//
//	plan open|long|minutes|iterations|closed|once|two|chain [parent] [datacenters] [single] [unique]  the plan, of a job that has a parent, whose children are datacenters, that lets no two hold a slot, uses rows once; the owner begins.
//	                                      Of datacenters: [rebalance|abort] [partial] [fast] [copies, two of it], as its client wants it
//	grant NUMBER WORKER…                  one core of each for every workflow of that want
//	wants                                 what is wanted of the cores is told
//	deny NUMBER
//	queue NUMBER POSITION WHY…            that want waits
//	state WORKER STATE [key=value…]       what it holds is in that state: cut, acked, at, reserve, silence, lowered, forgood, cancelled, of
//	nothing WORKER                        it states that it holds nothing
//	lose WORKER [dead]
//	deliver WORKER WORKFLOW to=T due=N [done=N] [final] [failed: so did its load] [missing: it does not arrive] [cancelled=CLIENT] [by=WORKER, who sends it in its place]
//	resend WORKER                         all that it ever delivered comes again
//	boot WORKER                           it is started anew
//	saved                                 what was to be saved is
//	cancel [WORKFLOW]
//	adjust WORKFLOW RATE                  the load goes on at so many slots a second
//	every T                               timed saves are so far apart, as the answer to each save has it from now on
//	wait T                                time passes, in ticks as the owner asks for them
//	takeover                              another owner reads what was saved
//	parent LINK                           its parent is reached over that link; 0: not at all
//	lead WORKFLOW LO HI OF TURN [FROM]    its parent gives it a part; "plan … parent" gives all of each workflow, turn 3
//	lets|halt|cut|drop WORKFLOW [TURN]    what it wants of the part: begin, stop within 1 s, be cut, be forgotten
//	over PHASE                            it says that the job is over
//	held                                  what is stated to the parent
//	receipt WORKFLOW SEQ [again] [unknown] [broken] [throttle]  the parent acknowledges
type script struct {
	t       *testing.T
	plan    *hyperscale.Plan
	owner   *Owner
	epoch   hyperscale.Epoch
	single  bool
	gate    bool
	across  hyperscale.Across
	now     time.Duration
	out     strings.Builder
	records [][]byte
	clock   hyperscale.JobTime
	pending *Save
	done    float64       // by the last save that was made
	every   time.Duration // as saves are answered
	shown   int           // how often watchers were shown something
	workers map[hyperscale.NodeID]*hand
	parent  *Parent
	above   map[string]string // what the parent was sent, by name
}

// hand is a worker of the script.
type hand struct {
	link.Holder
	held    []link.Held
	streams map[link.Hold]*stats.Stream
	reach   map[link.Hold]hyperscale.JobTime
	sent    []Delivered
}

var plans = map[string][]hyperscale.Workflow{
	"open": {{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 10 * time.Second}}}}},
	"long": {{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 30 * time.Second}}}}},
	"minutes": {{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
		{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 3 * time.Minute}}}}},
	"iterations": {{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 200, VUs: 4}}},
	"closed": {{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadClosed, Stages: []hyperscale.Stage{
		{From: 4, To: 4, Over: 10 * time.Second}}}}},
	"once": {{Name: "a", Graceful: time.Second}},
	"two": {
		{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
			{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 10 * time.Second}}}},
		{Name: "b", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadIterations, Iterations: 10, VUs: 1}},
	},
	"chain": {
		{Name: "a", Graceful: time.Second, Load: hyperscale.Load{Kind: hyperscale.LoadOpen, Stages: []hyperscale.Stage{
			{From: 10 * int64(hyperscale.PerSecond), To: 10 * int64(hyperscale.PerSecond), Over: 2 * time.Second}}}},
		{Name: "b", Graceful: time.Second, After: []hyperscale.Dependency{{Workflow: "a"}}, Load: hyperscale.Load{
			Kind: hyperscale.LoadIterations, Iterations: 10, VUs: 1}},
	},
}

func (s *script) run(line string) {
	words := strings.Fields(line)
	args := words[1:]
	switch words[0] {
	case "plan":
		s.plan = &hyperscale.Plan{Name: args[0], Deadline: time.Hour, Workflows: slices.Clone(plans[args[0]])}
		for i := range s.plan.Workflows {
			s.plan.Workflows[i].Steps = []hyperscale.Step{{Name: "GET /", Kind: hyperscale.StepRequest, Request: &hyperscale.Request{}}}
		}
		s.workers, s.epoch = map[hyperscale.NodeID]*hand{}, 1
		s.single, s.gate = slices.Contains(args, "single"), slices.Contains(args, "datacenters")
		s.across = hyperscale.Across{AllowPartial: slices.Contains(args, "partial"), FailFast: slices.Contains(args, "fast")}
		for _, loss := range hyperscale.OnLosses() {
			if slices.Contains(args, string(loss)) {
				s.across.OnLoss = loss
			}
		}
		if slices.Contains(args, "copies") {
			s.gate, s.across.Spread, s.across.Count = true, hyperscale.SpreadReplicate, 2
		}
		if slices.Contains(args, "unique") {
			s.plan.Data = []hyperscale.DataSet{{Name: "users", Pick: hyperscale.PickUnique}}
		}
		if slices.Contains(args, "parent") {
			s.parent, s.above = &Parent{Place: "fra", MaxKept: 4000}, map[string]string{}
		}
		s.owner = New(s.config())
		s.step(Begin{})
		if slices.Contains(args, "parent") {
			s.saved()
			for _, w := range s.plan.Workflows {
				s.lead(w.Name, "0", "1", "1", "3")
				s.saved()
			}
		}
	case "grant":
		s.grant(number(s.t, args[0]), args[1:])
	case "queue":
		position := int(number(s.t, args[1]))
		s.step(Queued{Want: number(s.t, args[0]), Waiting: link.Waiting{Why: strings.Join(args[2:], " "), Position: position}})
	case "wants":
		for _, w := range s.owner.Wants() {
			var of []string
			for _, f := range w.Workflows {
				text := fmt.Sprintf("{%s %d %d}", f.Workflow, f.Cores, f.Least)
				if f.Copy > 0 {
					text = fmt.Sprintf("{%s %d %d, copy %d at %q}", f.Workflow, f.Cores, f.Least, f.Copy, f.At)
				}
				of = append(of, text)
			}
			s.say("wants %d: %v, none of %v, or never %v", w.Number, of, w.Exclude, w.OrNever)
		}
	case "deny":
		s.step(Denied{Want: number(s.t, args[0]), Reason: "it waited for 1h"})
	case "state":
		s.state(s.hand(args[0]), args[1], args[2:])
	case "nothing":
		w := s.hand(args[0])
		w.held = nil
		s.step(Stated{Holder: w.Holder, Trip: 2 * time.Millisecond})
	case "lose":
		ev := Lost{Holder: s.hand(args[0]).Holder, Dead: len(args) > 1}
		if ev.Dead {
			ev.Since = s.now
		}
		s.step(ev)
	case "deliver":
		s.deliver(s.hand(args[0]), args[1], args[2:])
	case "resend":
		for _, ev := range s.hand(args[0]).sent {
			s.step(ev)
		}
	case "boot":
		w := s.hand(args[0])
		*w = *newHand(link.Holder{Node: w.Node, Boot: w.Boot + 1})
		s.step(Stated{Holder: w.Holder, Trip: 2 * time.Millisecond, Fresh: true})
	case "saved":
		s.saved()
	case "cancel":
		s.step(Cancel{Token: 7, By: "ann", Workflow: strings.Join(args, "")})
	case "adjust":
		s.step(Adjust{Token: 8, Key: line, By: "ann", Adjustment: hyperscale.Adjustment{
			Workflow: args[0], Do: hyperscale.AdjustRate, Rate: hyperscale.PerSecond * hyperscale.Rate(number(s.t, args[1])),
		}})
	case "every":
		s.every = length(s.t, args[0])
	case "wait":
		s.wait(s.now + length(s.t, args[0]))
	case "takeover":
		s.takeover()
	case "parent", "receipt":
		s.fromAbove(words[0], args)
	case "lead":
		s.lead(args...)
	case "lets", "halt", "cut", "drop", "over":
		s.ordered(words[0], args)
	case "held":
		s.held()
	default:
		s.t.Fatalf("no command %q", line)
	}
}

func newHand(h link.Holder) *hand {
	return &hand{Holder: h, streams: map[link.Hold]*stats.Stream{}, reach: map[link.Hold]hyperscale.JobTime{}}
}

func (s *script) config() Config {
	return Config{Job: "j", Self: hyperscale.NodeID(fmt.Sprintf("m%d", s.epoch)), Epoch: s.epoch, Plan: s.plan, Parent: s.parent, OneHolder: s.single, Datacenters: s.gate, Across: s.across, Accepted: noon, Clock: noon.Add(time.Minute)}
}

// fromAbove plays the parent of the job.
func (s *script) fromAbove(what string, args []string) {
	if what == "parent" {
		at := ParentAt{Link: number(s.t, args[0])}
		if at.Link > 0 {
			at.Epoch = 1
		}
		s.step(at)
		return
	}
	r := link.Receipt{
		Hold: s.partOf(args[0], "3"), Seq: number(s.t, args[1]), Epoch: 1,
		Again: slices.Contains(args, "again"), Unknown: slices.Contains(args, "unknown"), Broken: slices.Contains(args, "broken"),
	}
	if slices.Contains(args, "throttle") {
		r.Level = link.Throttle
	}
	s.step(ParentTells{r})
}

// partOf names the part of a workflow that was given under a turn.
func (s *script) partOf(workflow, turn string) link.Hold {
	for _, f := range s.owner.up.flows {
		if f.workflow == workflow && f.stream.Share().Turn == hyperscale.Turn(number(s.t, turn)) {
			return link.Hold{Job: "j", Workflow: workflow, Share: f.stream.Share()}
		}
	}
	s.t.Fatalf("no part of %s was given under turn %s", workflow, turn)
	return link.Hold{}
}

// lead gives a part of a workflow.
func (s *script) lead(args ...string) {
	i := slices.IndexFunc(s.plan.Workflows, func(w hyperscale.Workflow) bool { return w.Name == args[0] })
	w := s.plan.Workflows[i]
	share := hyperscale.Share{
		Lo: int64(number(s.t, args[1])), Hi: int64(number(s.t, args[2])), Of: int64(number(s.t, args[3])), Turn: hyperscale.Turn(number(s.t, args[4])),
	}
	if len(args) > 5 {
		share.From = length(s.t, args[5])
	}
	s.step(Ordered{
		Order:   link.Order{Do: link.Prepare, Epoch: 1, Hold: link.Hold{Job: "j", Workflow: w.Name, Share: share}},
		Prepare: &Prepare{Workflow: w.Name, Load: w.Load, Graceful: w.Graceful, Share: share, Begun: share.From > 0},
	})
}

// ordered gives another order of the parent.
func (s *script) ordered(what string, args []string) {
	o := link.Order{Epoch: 1, Hold: link.Hold{Job: "j"}}
	if what == "over" {
		o.Do, o.Phase = link.Drop, hyperscale.Phase(args[0])
		s.step(Ordered{Order: o})
		return
	}
	o.Hold = s.partOf(args[0], append(args, "3")[1])
	switch what {
	case "lets":
		o.Do, o.Number, o.In, o.At = link.Start, 1, 10*time.Millisecond, s.owner.at()+10*time.Millisecond
		if !s.owner.clock.runs {
			o.At = 0
		}
	case "halt":
		o.Do, o.Within = link.Stop, time.Second
	case "cut":
		o.Do = link.Cut
	case "drop":
		o.Do = link.Drop
	}
	s.step(Ordered{Order: o})
}

// held tells what is stated to the parent.
func (s *script) held() {
	names := map[link.State]string{}
	for name, state := range states {
		names[state] = name
	}
	for _, h := range s.owner.Held() {
		if h.Workflow == "" {
			s.say("held: the job, epoch %d of tenure %d", h.Epoch, h.Tenure)
			continue
		}
		text := fmt.Sprintf("held: %s %s", shareText(h.Hold), names[h.State])
		if h.Start > 0 {
			text += fmt.Sprintf(" at %s, cut %d, acked %d", hyperscale.FormatDuration(h.JobTime), h.Cut, h.Acked)
		}
		if h.Reserve != (link.Reserve{}) {
			text += fmt.Sprintf(", up to place %d pass %d", h.Reserve.Place, h.Reserve.Pass)
		}
		for _, more := range []string{h.Reason, h.Aborted, h.Lowered, h.Cancelled.By} {
			if more != "" {
				text += ": " + more
			}
		}
		s.say("%s", text)
	}
}

// up tells of a window for the parent, and holds it against what was sent under
// that number before.
func (s *script) up(d link.Delivery) {
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprintf("%s, %d to %d", shareText(d.Hold), w.ID.First, w.ID.Seq)
	if before, known := s.above[text]; known && before != string(d.Window) {
		s.t.Errorf("%s is not what it was", text)
	}
	s.above[text] = string(d.Window)
	text += fmt.Sprintf(": from %s to %s, due %d", hyperscale.FormatDuration(w.From), hyperscale.FormatDuration(w.To), w.Due)
	if w.Lost > 0 {
		text += fmt.Sprintf(", lost %d", w.Lost)
	}
	if w.Final {
		text += fmt.Sprintf("; the last, all due %d, stopped %s", w.Totals.Due, hyperscale.FormatDuration(d.Ending.Stopped))
	}
	s.say("up %s", text)
}

func (s *script) hand(name string) *hand {
	id := hyperscale.NodeID(name)
	if s.workers[id] == nil {
		s.workers[id] = newHand(link.Holder{Node: id, Boot: 1})
	}
	return s.workers[id]
}

func number(t *testing.T, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func length(t *testing.T, text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s *script) grant(want uint64, workers []string) {
	cores := map[string][]link.Cores{}
	for _, w := range s.owner.Wants() {
		for _, f := range w.Workflows {
			if len(cores[f.Workflow]) > 0 {
				continue // by another copy
			}
			for _, name := range workers {
				cores[f.Workflow] = append(cores[f.Workflow], link.Cores{Holder: s.hand(name).Holder, N: 1})
			}
		}
	}
	s.step(Granted{Want: want, Cores: cores})
}

var states = map[string]link.State{
	"preparing": link.Preparing, "prepared": link.Prepared, "refused": link.Refused, "running": link.Running,
	"ended": link.Ended, "stopped": link.Stopped, "broken": link.Broken,
}

func (s *script) state(w *hand, state string, args []string) {
	of := ""
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "of="); ok {
			of = value
		}
	}
	for i := range w.held {
		h := &w.held[i]
		if of != "" && h.Workflow != of {
			continue
		}
		h.State, h.Reason = states[state], ""
		if h.State == link.Refused {
			h.Reason = "no room"
		}
		if h.State >= link.Running {
			h.Start = s.owner.state.Start
		}
		for _, arg := range args {
			key, value, _ := strings.Cut(arg, "=")
			switch key {
			case "cut":
				h.Cut = number(s.t, value)
			case "acked":
				h.Acked = number(s.t, value)
			case "at":
				h.JobTime = length(s.t, value)
			case "silence":
				h.Silence = length(s.t, value)
			case "cancelled":
				h.Cancelled = link.Cancelled{By: value, Whole: true}
			case "forgood":
				h.ForGood, h.Reason = true, value+" is no target"
			case "lowered":
				h.Lowered = h.Workflow + ": to " + value
			case "reserve":
				h.Reserve.Place = int64(number(s.t, value))
			}
		}
	}
	s.step(Stated{Holder: w.Holder, Held: slices.Clone(w.held), Trip: 2 * time.Millisecond})
}

func (s *script) deliver(w *hand, workflow string, args []string) {
	at := slices.IndexFunc(w.held, func(h link.Held) bool { return h.Workflow == workflow })
	if at < 0 {
		s.t.Fatalf("%s holds nothing of %s", w.Node, workflow)
	}
	hold := w.held[at].Hold
	if w.streams[hold] == nil {
		w.streams[hold] = stats.NewStream(workflow, hold.Share)
		w.reach[hold] = hold.Share.From
	}
	v, done, final, failed, missing, by, client := &stats.Window{}, uint64(0), false, false, false, w.Holder, ""
	v.From = w.reach[hold]
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "to":
			v.To = length(s.t, value)
		case "due":
			v.Due = number(s.t, value)
			done = v.Due
		case "done":
			done = number(s.t, value)
		case "cancelled":
			client = value
		case "final":
			final = true
		case "failed":
			failed = true
		case "missing":
			missing = true
		case "by":
			by = s.hand(value).Holder
		}
	}
	v.Slots.Started, v.Completed = v.Due, done
	for range v.Due {
		v.Lateness.Record(time.Millisecond)
	}
	if n := w.streams[hold].Seq() + 1; by == w.Holder {
		w.reach[hold] = v.To
		w.streams[hold].Take(v, final)
	} else {
		v.ID = stats.WindowID{Workflow: workflow, Share: hold.Share, First: n, Seq: n}
	}
	d := link.Delivery{Hold: hold, Start: s.owner.state.Start}
	if final {
		d.Ending = &link.Ending{Stopped: v.To, Cancelled: link.Cancelled{By: client, Whole: client != ""}, Failed: failed}
		if failed {
			d.Ending.Reason = "it did not end when it was cut"
		}
	}
	w.sent = append(w.sent, Delivered{Holder: by, Delivery: d, Window: v})
	if !missing {
		s.step(w.sent[len(w.sent)-1])
	}
}

// check reads what is saved with this save, which must be what the owner knows. What
// is done never falls, over takeovers too, and all is done at success only.
func (s *script) check(save *Save) {
	if save.Done < s.done || save.Done != math.Floor(save.Done) || save.Done == 100 && save.Phase != hyperscale.Completed {
		s.t.Fatalf("save %d: %v %% are done of a job that is %s, and %v were before", save.Number, save.Done, save.Phase, s.done)
	}
	if s.owner.over != nil {
		return // nobody holds anything any more
	}
	records := append(slices.Clone(s.records), save.Record)
	if save.Base {
		records = [][]byte{save.Record}
	}
	o, err := Read(s.config(), records, save.Clock)
	if err != nil {
		s.t.Fatal(err)
	}
	if got, want := stateText(o), stateText(s.owner); got != want {
		s.t.Fatalf("save %d is read as:\n%s\nwant:\n%s", save.Number, got, want)
	}
	if got, want := placesText(o), placesText(s.owner); got != want {
		s.t.Fatalf("what datacenters did is read of save %d as:\n%s\nwant:\n%s", save.Number, got, want)
	}
}

// wait lets time pass.
func (s *script) wait(until time.Duration) {
	for next := s.owner.Next(); next <= until && next > s.now; next = s.owner.Next() {
		s.now = next
		s.step(Tick{})
		if s.pending != nil && len(s.pending.Events) == 0 && s.pending.Result == nil {
			s.saved()
		}
	}
	s.now = max(s.now, until)
}

func (s *script) saved() {
	save := s.pending
	if save == nil {
		s.t.Fatal("nothing is to be saved")
	}
	s.pending = nil
	if save.Base {
		s.records = nil
	}
	if save.Record != nil {
		s.records = append(s.records, save.Record)
	}
	s.clock = save.Clock
	s.now += time.Millisecond
	s.done = save.Done
	s.step(Saved{Number: save.Number, Every: s.every})
}

func (s *script) takeover() {
	s.epoch++
	s.pending = nil
	o, err := Read(s.config(), s.records, s.clock)
	if err != nil {
		s.t.Fatal(err)
	}
	s.owner = o
	s.now += time.Second
	s.step(Begin{})
}

func (s *script) step(ev Event) {
	for _, e := range s.owner.Step(s.now, ev) {
		s.tell(e)
	}
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *script) tell(e Effect) {
	switch e := e.(type) {
	case Tell:
		s.order(e)
	case Acknowledge:
		again := ""
		if e.Receipt.Again {
			again = ", again from the next"
		}
		if e.Receipt.Unknown {
			again = ", unknown"
		}
		if e.Receipt.Broken {
			again = ", broken"
		}
		if r := e.Receipt.Reserve; r != (link.Reserve{}) {
			again += fmt.Sprintf(", up to %d", r.Place)
		}
		s.say("ack %s %s %d%s", e.To.Node, shareText(e.Receipt.Hold), e.Receipt.Seq, again)
	case Save:
		s.pending = &e
		s.check(&e)
		if len(e.Events) > 0 || e.Ended {
			pending := ""
			if e.Reason != "" && s.gate {
				pending = ": " + e.Reason
			}
			if e.Pending {
				pending = ", the parent waits"
			}
			s.say("save %d at %s, %s%s", e.Number, hyperscale.FormatDuration(e.Clock), e.Phase, pending)
		}
		for _, ev := range e.Events {
			s.say("  event %s", strings.Join(strings.Fields(fmt.Sprint(ev.What, " ", ev.Workflow, " ", ev.Node, " ", ev.Detail)), " "))
		}
		if e.Result != nil {
			s.result(e.Result)
		}
	case Deliver:
		s.up(e.Delivery)
	case Show:
		s.shown++
	case Answer:
		s.say("answer %d %s", e.Token, e.Status)
	case Over:
		s.say("over %s", e.Phase)
	}
}

func (s *script) result(b []byte) {
	r, err := stats.DecodeResult(s.plan, b)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, w := range s.plan.Workflows {
		n := r.Tally.Workflow(w.Name).Slots
		s.say("  result %s: due %d, missed %d, started %d, completed %d, lost %d", w.Name, n.Due, n.Missed, n.Started, n.Completed, n.Lost)
	}
	if r.Tally.Job().Slots.Due == 0 {
		for _, c := range r.Verdict.Causes {
			s.say("  cause %s: %s", c.State, c.What)
		}
	}
	for _, l := range r.Losses {
		beside := fmt.Sprintf("%d requests", l.Requests)
		if l.Requests == math.MaxUint64 {
			beside = "nobody knows how many requests"
		}
		s.say("  loss %s %s from %s to %s: lost %d, missed %d, %s at most in no count", l.Workflow, l.Node,
			hyperscale.FormatDuration(l.From), hyperscale.FormatDuration(l.To), l.Lost, l.Missed, beside)
	}
	if r.Skew > 2*time.Millisecond { // the script's workers state exact times, one trip apart
		s.say("  skew %v", r.Skew)
	}
	for _, d := range r.Datacenters {
		n := d.Tally.Job().Slots
		s.say("  in %s: due %d, missed %d, started %d, completed %d, lost %d, %s", d.Name, n.Due, n.Missed, n.Started, n.Completed, n.Lost, d.Verdict.State)
		for _, planned := range d.PlannedVU {
			if planned > 0 {
				s.say("    %s of virtual users planned, %s delivered", hyperscale.FormatDuration(planned), hyperscale.FormatDuration(n.VUTime))
			}
		}
		for _, p := range d.Parts {
			s.say("    %s, %d slots up to %s%s", shareText(link.Hold{Workflow: p.Workflow, Share: p.Share}), p.Slots, hyperscale.FormatDuration(p.Reach), map[bool]string{true: ", lost"}[p.Lost])
		}
	}
	for _, broken := range stats.Identities(r.Tally) {
		s.say("  BROKEN %s", broken)
	}
}

func (s *script) order(t Tell) {
	what := [...]string{"own", "prepare", "start", "stop", "cut", "drop", "adjust"}[t.Order.Do]
	text := fmt.Sprintf("%s %s", what, shareText(t.Order.Hold))
	w := s.workers[t.To.Node]
	switch t.Order.Do {
	case link.Own:
		text = "own"
	case link.Prepare:
		if known := len(t.Prepare.Adjustments); t.Order.Number != uint64(known) {
			s.t.Fatalf("what is prepared with %d adjustments is said to have those up to %d", known, t.Order.Number)
		}
		if t.Prepare.From != (link.Reserve{}) {
			text += fmt.Sprintf(", going on at place %d pass %d", t.Prepare.From.Place, t.Prepare.From.Pass)
		}
		if w != nil && w.Boot == t.To.Boot {
			w.held = append(w.held, link.Held{Hold: t.Order.Hold, Adjustment: t.Order.Number})
		}
	case link.Start:
		text += fmt.Sprintf(" number %d, load from %s, at %s", t.Order.Number,
			hyperscale.FormatDuration(t.Order.Begin), hyperscale.FormatDuration(t.Order.At))
	case link.Drop:
		if w != nil {
			w.held = slices.DeleteFunc(w.held, func(h link.Held) bool { return h.Hold == t.Order.Hold })
		}
	}
	s.say("%s: %s", t.To.Node, text)
}

func shareText(h link.Hold) string {
	text := fmt.Sprintf("%s [%d,%d)/%d turn %d", h.Workflow, h.Share.Lo, h.Share.Hi, h.Share.Of, h.Share.Turn)
	if h.Share.From > 0 {
		text += " from " + hyperscale.FormatDuration(h.Share.From)
	}
	return text
}

// stateText is what is saved of who holds what; a list that is empty is one that is
// not there.
func stateText(o *Owner) string {
	return strings.ReplaceAll(string(mustJSON(o.state)), ":[]", ":null")
}

// placesText is what is saved of what datacenters did.
func placesText(o *Owner) string {
	var saved struct{ Places json.RawMessage }
	if err := json.Unmarshal(mustJSON(o.story.account), &saved); err != nil {
		panic(err)
	}
	return string(saved.Places)
}
