package agent

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/child"
	"hyperscale/internal/link"
	"hyperscale/internal/stats"
)

// A script names what may be held, and then tells what happens, in words; see
// testdata. A load in it has a slot due each 100 ms of job time, from 0 on; an
// engine that dies takes all with it that it had not told.

// script is the world of one script.
type script struct {
	t     *testing.T
	agent *Agent
	cfg   Config
	names map[string]link.Hold
	wake  time.Duration
	said  map[string]string // the last statement to each parent, in words
	seqs  map[string]uint64 // of words
}

func newScript(t *testing.T) *script {
	s := &script{t: t, names: map[string]link.Hold{}, wake: child.Never, said: map[string]string{}, seqs: map[string]uint64{}}
	s.cfg = Config{Node: "w", Boot: 1, Cores: 4, Lapse: tenEachSecond}
	return s
}

// tenEachSecond is the schedule of all loads of scripts.
func tenEachSecond(g Gone) Lapse {
	const each = 100 * time.Millisecond
	from := max(g.Reach, g.Begin)
	before := func(t time.Duration) uint64 { return uint64((t + each - 1) / each) }
	return Lapse{
		Losses: []stats.Losses{{
			Interval: stats.Interval{From: from, To: max(from, g.Back)},
			Lost:     before(max(g.Died, from)) - before(from), Missed: before(max(g.Back, from)) - before(max(g.Died, from)),
		}},
		Next: g.Reserve, Over: g.Hold.Workflow == "once",
	}
}

// begin reads the first block: "cores N", "autonomy D", "kept BYTES" and
// "NAME = JOB/WORKFLOW LO HI OF TURN".
func (s *script) begin(lines []string) {
	for _, line := range lines {
		words := strings.Fields(line)
		switch words[0] {
		case "cores":
			s.cfg.Cores = int(s.number(words[1]))
		case "autonomy":
			s.cfg.Autonomy = s.duration(words[1])
		case "kept":
			s.cfg.MaxKept = int(s.number(words[1]))
		default:
			job, workflow, _ := strings.Cut(words[2], "/")
			s.names[words[0]] = link.Hold{Job: hyperscale.JobID(job), Workflow: workflow, Share: hyperscale.Share{
				Lo: s.number(words[3]), Hi: s.number(words[4]), Of: s.number(words[5]), Turn: hyperscale.Turn(s.number(words[6])),
			}}
		}
	}
	s.agent = New(s.cfg)
}

// step takes an event at its time, after the ticks that come before it.
func (s *script) step(at time.Duration, ev Event) []string {
	var lines []string
	for s.wake < at || ev == nil && s.wake == at {
		now := s.wake
		s.wake = child.Never
		lines = append(lines, s.tell(now, s.agent.Step(now, Tick{}))...)
	}
	if ev == nil {
		return lines
	}
	return append(lines, s.tell(at, s.agent.Step(at, ev))...)
}

// event reads "TIME WHO WHAT ARGUMENTS"; nil is only the passing of time.
func (s *script) event(line string) (time.Duration, Event) {
	words := strings.Fields(line)
	if len(words) < 2 {
		s.t.Fatalf("no event: %q", line)
	}
	at := s.duration(words[0])
	switch words[1] {
	case "until":
		return at, nil
	case "stall":
		s.wake = child.Never // the agent stands still and wakes with the next event
		return at, nil
	case "drain":
		return at, Drain{}
	case "engine":
		return at, s.engineEvent(uint64(s.number(words[2])), words[3], words[4:])
	}
	return at, s.managerEvent(words[1], words[2], words[3:])
}

func (s *script) engineEvent(id uint64, what string, args []string) Event {
	rest := strings.Join(args, " ")
	switch what {
	case "prepared":
		return EnginePrepared{Engine: id}
	case "refused":
		return EngineRefused{Engine: id, Reason: rest}
	case "window":
		return EngineWindow{Engine: id, Window: s.window(args)}
	case "reserve":
		return EngineBeat{Engine: id, Reserve: link.Reserve{Place: s.number(rest)}}
	case "aborted":
		return EngineAborted{Engine: id, Step: rest}
	case "ended":
		if rest == "alone" {
			return EngineEnded{Engine: id, Alone: true}
		}
		return EngineEnded{Engine: id, Ending: link.Ending{Reason: rest}}
	case "died":
		return EngineDied{Engine: id, Reason: rest}
	}
	s.t.Fatalf("no event of an engine: %q", what)
	return nil
}

// window reads "FROM TO SLOTS [flying=N] [final]": slots started, of which N are
// still in flight.
func (s *script) window(args []string) *stats.Window {
	w := &stats.Window{Interval: stats.Interval{From: s.duration(args[0]), To: s.duration(args[1])}}
	n := uint64(s.number(args[2]))
	flying := uint64(0)
	for _, word := range args[3:] {
		if count, ok := strings.CutPrefix(word, "flying="); ok {
			flying = uint64(s.number(count))
		}
		w.Final = w.Final || word == "final"
	}
	w.Slots = stats.Slots{Due: n, Started: n, Completed: n - flying}
	w.Steps = []stats.StepSums{{Name: "get"}}
	w.Steps[0].Requests = stats.Requests{Started: n, OK: n - flying}
	return w
}

// managerEvent reads what a manager does, and what it says: KEY=VALUE words in
// any order after the kind.
func (s *script) managerEvent(manager, what string, args []string) Event {
	by := hyperscale.NodeID(manager)
	switch what {
	case "linked":
		delete(s.said, manager)
		return Linked{Manager: by, Boot: 1}
	case "unlinked":
		return Unlinked{Manager: by}
	case "word":
		return Told{By: by, Down: s.word(manager, args)}
	case "ack", "again", "unknown", "broken":
		return Told{By: by, Down: s.receipt(what, args)}
	}
	order, cancelled := s.order(manager, what, args)
	told := Told{By: by, Down: order}
	if cancelled {
		told.Cancelled = link.Cancelled{By: "shop/ann", Whole: true}
	}
	return told
}

var levels = map[string]link.Level{"normal": link.Normal, "throttle": link.Throttle, "batch": link.Batch, "reject": link.Reject}

// word reads "JOB EPOCH [age=D] [level=L] [heard=D] [of=NODE]".
func (s *script) word(manager string, args []string) link.Word {
	s.seqs[manager]++
	w := link.Word{Node: hyperscale.NodeID(manager), Boot: 1, Seq: s.seqs[manager]}
	owned := link.Owned{Job: hyperscale.JobID(args[0]), Epoch: hyperscale.Epoch(s.number(args[1]))}
	for _, word := range args[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "age":
			owned.Age = s.duration(value)
		case "level":
			w.Level = levels[value]
		case "heard":
			w.HeardAt = s.duration(value)
		case "of":
			w.Node = hyperscale.NodeID(value)
		}
	}
	w.Owns = []link.Owned{owned}
	return w
}

// receipt reads "HOLD SEQ epoch=N [level=L] [owner=NODE] [delay=D]".
func (s *script) receipt(what string, args []string) link.Receipt {
	r := link.Receipt{Hold: s.names[args[0]], Seq: uint64(s.number(args[1])), Again: what == "again", Unknown: what == "unknown", Broken: what == "broken"}
	for _, word := range args[2:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "epoch":
			r.Epoch = hyperscale.Epoch(s.number(value))
		case "level":
			r.Level = levels[value]
		case "owner":
			r.Owner.Node = hyperscale.NodeID(value)
		case "delay":
			r.Delay = s.duration(value)
		case "reserve":
			r.Reserve.Place = s.number(value)
		}
	}
	return r
}

var orders = map[string]link.Do{
	"own": link.Own, "prepare": link.Prepare, "start": link.Start, "stop": link.Stop,
	"cut": link.Cut, "drop": link.Drop, "adjust": link.Adjust,
}

// order reads "HOLD epoch=N [cores=N] [number=N] [at=D] [in=D] [begin=D]
// [within=D] [owner=NODE] [lease=D] [cancelled]".
func (s *script) order(manager, what string, args []string) (link.Order, bool) {
	do, ok := orders[what]
	if !ok {
		s.t.Fatalf("a manager says no %q", what)
	}
	o := link.Order{Do: do, Owner: hyperscale.NodeID(manager), Hold: s.names[args[0]], Brief: []byte("plan"), Number: 1}
	if do == link.Prepare {
		o.Number = 0 // its brief has no adjustments
	}
	if o.Hold == (link.Hold{}) {
		o.Hold.Job = hyperscale.JobID(args[0])
	}
	cancelled := false
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "epoch":
			o.Epoch = hyperscale.Epoch(s.number(value))
		case "cores":
			o.Cores = int(s.number(value))
		case "number":
			o.Number = uint64(s.number(value))
		case "at":
			o.At = s.duration(value)
		case "in":
			o.In = s.duration(value)
		case "begin":
			o.Begin = s.duration(value)
		case "within":
			o.Within = s.duration(value)
		case "owner":
			o.Owner = hyperscale.NodeID(value)
		case "lease":
			o.Autonomy = s.duration(value)
		case "cancelled":
			cancelled = true
		}
	}
	return o, cancelled
}

func (s *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// tell puts effects into words. Beats to engines are left out, and statements
// that say what the last one said.
func (s *script) tell(now time.Duration, effects []Effect) []string {
	var lines []string
	for _, e := range effects {
		if text := s.effect(e); text != "" {
			lines = append(lines, fmt.Sprintf("%v  %s", now, text))
		}
	}
	return lines
}

func (s *script) effect(e Effect) string {
	switch e := e.(type) {
	case StartEngine:
		return fmt.Sprintf("engine %d: prepare %s with %d cores", e.Engine, s.name(e.Hold), e.Cores)
	case ToEngine:
		if text := command(e.Command); text != "" {
			return fmt.Sprintf("engine %d: %s", e.Engine, text)
		}
	case KillEngine:
		return fmt.Sprintf("engine %d: killed", e.Engine)
	case Tell:
		return s.up(string(e.To), e.Up)
	case Wake:
		s.wake = e.At
	case Drained:
		return "drained"
	}
	return ""
}

func command(c Command) string {
	switch c.Do {
	case Start:
		text := fmt.Sprintf("start %d at %v in %v", c.Number, c.At, c.In)
		if c.Until > 0 {
			text += fmt.Sprintf(", until %v", c.Until)
		}
		if c.Again {
			text += fmt.Sprintf(", again from %v and place %d", c.From, c.Reserve.Place)
		}
		return text
	case Stop:
		return fmt.Sprintf("stop within %v", c.Within)
	case Cut:
		return "cut"
	case Adjust:
		return fmt.Sprintf("adjust %d from %v", c.Number, c.At)
	case Grant:
		return fmt.Sprintf("may reach place %d", c.Reserve.Place)
	}
	return ""
}

func (s *script) name(h link.Hold) string {
	for name, named := range s.names {
		if named == h {
			return name
		}
	}
	return fmt.Sprint(h)
}

var stateNames = [...]string{"preparing", "prepared", "refused", "running", "ended", "stopped", "broken"}

// up puts what goes to a parent into words.
func (s *script) up(to string, up link.Up) string {
	switch up := up.(type) {
	case link.Fenced:
		return fmt.Sprintf("%s ← refused: epoch %d of job %s is below or beside %d", to, up.Epoch, up.Job, up.Highest)
	case link.Delivery:
		return fmt.Sprintf("%s ← %s %s", to, s.name(up.Hold), delivery(s.t, up))
	case link.Statement:
		text := fmt.Sprintf("%d of %d free", up.Free, up.Cores)
		if up.Draining {
			text += ", draining"
		}
		for _, h := range up.Holds {
			text += "; " + s.name(h.Hold) + " " + heldText(h)
		}
		if s.said[to] != text {
			s.said[to] = text
			return fmt.Sprintf("%s ← %s", to, text)
		}
	}
	return ""
}

func heldText(h link.Held) string {
	text := stateNames[h.State]
	if h.Start > 0 {
		text += fmt.Sprintf(" start %d", h.Start)
	}
	if h.Cut > 0 {
		text += fmt.Sprintf(" cut %d acked %d", h.Cut, h.Acked)
	}
	if h.Reserve.Place > 0 {
		text += fmt.Sprintf(" reserve %d", h.Reserve.Place)
	}
	if h.Adjustment > 0 {
		text += fmt.Sprintf(" adjusted %d", h.Adjustment)
	}
	if h.Aborted != "" {
		text += " aborted by " + h.Aborted
	}
	if h.Cancelled.By != "" {
		text += " cancelled by " + h.Cancelled.By
	}
	if h.ForGood {
		text += " for good"
	}
	if h.Reason != "" {
		text += " (" + h.Reason + ")"
	}
	return text
}

func delivery(t *testing.T, d link.Delivery) string {
	w, err := stats.DecodeWindow(d.Window)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("window %d", w.ID.Seq)
	if w.ID.First != w.ID.Seq {
		text = fmt.Sprintf("windows %d…%d", w.ID.First, w.ID.Seq)
	}
	text += fmt.Sprintf(" [%v, %v) due %d", w.From, w.To, w.Due)
	if w.Missed > 0 || w.Slots.Lost > 0 {
		text += fmt.Sprintf(" missed %d lost %d", w.Missed, w.Slots.Lost)
	}
	if len(w.Steps) > 0 && w.Steps[0].Lost > 0 {
		text += fmt.Sprintf(" requests lost %d", w.Steps[0].Lost)
	}
	if w.Final {
		text += fmt.Sprintf(", the last: %d in all", w.Totals.Due)
	}
	if d.Ending != nil && d.Ending.Cancelled.By != "" {
		text += ", cancelled by " + d.Ending.Cancelled.By
	}
	if d.Ending != nil && d.Ending.Reason != "" {
		text += " (" + d.Ending.Reason + ")"
	}
	return text
}
