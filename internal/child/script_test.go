package child

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/testkit"
)

// TestTranscripts plays the scripts in testdata. In each, blocks of input are followed
// by a line "----" and what came of it.
func TestTranscripts(t *testing.T) { testkit.Scripts(t, play) }

// script is the world of one script: a manager that is woken when it asked for it.
type script struct {
	t    *testing.T
	m    *Manager
	wake time.Duration
	said map[string]string // the last statement to each gate, in words
	seqs map[string]uint64 // of words
}

func play(t *testing.T, text string) string {
	s := &script{
		t: t, m: NewManager(Config{Node: "m1", Boot: 1, Datacenter: "fra"}), wake: Never,
		said: map[string]string{}, seqs: map[string]uint64{},
	}
	var out []string
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		input, _, _ := strings.Cut(block, "\n----")
		told := ""
		for _, line := range strings.Split(input, "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			at, ev := s.event(line)
			for _, l := range s.step(at, ev) {
				told += "\n" + l
			}
		}
		out = append(out, input+"\n----"+told)
	}
	return strings.Join(out, "\n\n") + "\n"
}

// step takes an event at its time, after the wakes that come before it; nil: time only
// passes.
func (s *script) step(at time.Duration, ev Event) []string {
	var lines []string
	for s.wake < at || ev == nil && s.wake == at {
		now := s.wake
		s.wake = Never
		lines = append(lines, s.tell(now, s.m.Step(now, Tick{}))...)
	}
	if ev != nil {
		lines = append(lines, s.tell(at, s.m.Step(at, ev))...)
	}
	return lines
}

// args are the KEY=VALUE words of a line.
type args map[string]string

// event reads "TIME WHO WHAT KEY=VALUE…".
func (s *script) event(line string) (time.Duration, Event) {
	words := strings.Fields(line)
	if len(words) < 2 {
		s.t.Fatalf("no event: %q", line)
	}
	at, a := s.duration(words[0]), args{}
	for _, w := range words[2:] {
		key, value, _ := strings.Cut(w, "=")
		a[key] = value
	}
	switch words[1] {
	case "until":
		return at, nil
	case "drain":
		return at, Drain{}
	case "fares":
		return at, Fares{Cores: int(s.number(a["cores"])), Free: int(s.number(a["free"])), Capacity: s.capacity(a)}
	case "holds":
		return at, s.holds(words[2:], a)
	case "gone":
		return at, Holds{Job: hyperscale.JobID(words[2])}
	case "ended":
		return at, Ended{Job: hyperscale.JobID(words[2])}
	case "looked":
		return at, Looked{Job: hyperscale.JobID(words[2]), Over: len(words) > 3 && words[3] == "over"}
	case "window":
		return at, Deliver{link.Delivery{Hold: hold(words[2])}}
	}
	return at, s.gateEvent(words[1], words[2], words[3:], a)
}

// hold reads "JOB/WORKFLOW", or only a job.
func hold(text string) link.Hold {
	job, workflow, some := strings.Cut(text, "/")
	h := link.Hold{Job: hyperscale.JobID(job), Workflow: workflow}
	if some {
		h.Share = hyperscale.Share{Hi: 1, Of: 2, Turn: 1}
	}
	return h
}

func (s *script) capacity(a args) *link.Capacity {
	if a["capacity"] == "" {
		return nil
	}
	return &link.Capacity{Cores: int(s.number(a["capacity"])), Age: s.duration(a["age"])}
}

// holds reads "JOB tenure=N [lease=D] [epoch=N] [silence=D] [jobtime=D] [start=N]
// [reserve=N] WORKFLOW:STATE…".
func (s *script) holds(words []string, a args) Holds {
	ev := Holds{Job: hyperscale.JobID(words[0]), Tenure: hyperscale.Epoch(s.number(a["tenure"])), Autonomy: s.duration(a["lease"]), Held: []link.Held{}}
	for _, w := range words[1:] {
		workflow, state, is := strings.Cut(w, ":")
		if !is {
			continue
		}
		for i, name := range stateNames {
			if name == state {
				ev.Held = append(ev.Held, link.Held{
					Hold: hold(words[0] + "/" + workflow), State: link.State(i), Epoch: hyperscale.Epoch(s.number(a["epoch"])),
					Silence: s.duration(a["silence"]), JobTime: s.duration(a["jobtime"]), Start: uint64(s.number(a["start"])),
					Reserve: link.Reserve{Place: s.number(a["reserve"])},
				})
			}
		}
	}
	return ev
}

var stateNames = [...]string{"preparing", "prepared", "refused", "running", "ended", "stopped", "broken"}

var orders = [...]string{"own", "prepare", "start", "stop", "cut", "drop", "adjust"}

// gateEvent reads what a gate does and says: "linked", "unlinked", "word JOB EPOCH…",
// "ack HOLD SEQ…", or an order with its hold.
func (s *script) gateEvent(gate, what string, words []string, a args) Event {
	by := hyperscale.NodeID(gate)
	of := by
	if a["of"] != "" {
		of = hyperscale.NodeID(a["of"])
	}
	switch what {
	case "linked":
		delete(s.said, gate)
		return Linked{Parent: by, Boot: 1}
	case "unlinked":
		return Unlinked{Parent: by}
	case "word":
		s.seqs[string(of)]++
		w := link.Word{Node: of, Boot: 1, Seq: s.seqs[string(of)], HeardAt: s.duration(a["heard"]), Level: link.Level(s.number(a["level"]))}
		if a["job"] != "" {
			w.Owns = []link.Owned{{Job: hyperscale.JobID(a["job"]), Epoch: hyperscale.Epoch(s.number(a["epoch"])), Age: s.duration(a["age"])}}
		}
		return Told{By: by, Down: w}
	case "ack", "unknown":
		r := link.Receipt{Hold: hold(words[0]), Seq: uint64(s.number(a["seq"])), Unknown: what == "unknown", Epoch: hyperscale.Epoch(s.number(a["epoch"])), Level: link.Level(s.number(a["level"]))}
		r.Owner.Node = hyperscale.NodeID(a["owner"])
		return Told{By: by, Down: r}
	}
	for do, name := range orders {
		if name == what {
			o := link.Order{Do: link.Do(do), Owner: of, Hold: hold(words[0]), Epoch: hyperscale.Epoch(s.number(a["epoch"])), Autonomy: s.duration(a["lease"])}
			if a["epoch"] == "nobody" {
				o.Epoch = link.NoOwner
			}
			if a["proof"] != "" {
				o.Proof = &link.Proof{By: a["proof"]}
			}
			return Told{By: by, Down: o}
		}
	}
	s.t.Fatalf("a gate says no %q", what)
	return nil
}

// number reads a number; "": 0.
func (s *script) number(text string) int64 {
	if text == "" || text == "nobody" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// duration reads a duration; "": 0.
func (s *script) duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// tell puts effects into words; statements that say what the last one said are left out.
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
	case Tell:
		return s.up(string(e.To), e.Up)
	case Ordered:
		text := fmt.Sprintf("%s: %s %s, epoch %s", e.Order.Hold.Job, orders[e.Order.Do], e.Order.Hold.Workflow, epochText(e.Order.Epoch))
		if e.Order.Proof != nil {
			text += ", if " + e.Order.Proof.By + " may"
		}
		return strings.Replace(text, " ,", ",", 1)
	case Look:
		return fmt.Sprintf("%s: is it over?", e.Job)
	case Route:
		if e.Link == 0 {
			return fmt.Sprintf("%s: not reached", e.Job)
		}
		return fmt.Sprintf("%s: by link %d to the owner of epoch %d, level %d", e.Job, e.Link, e.Epoch, e.Level)
	case Receipted:
		if e.Receipt.Unknown {
			return fmt.Sprintf("%s: unknown, epoch %d", e.Job, e.Receipt.Epoch)
		}
		return fmt.Sprintf("%s: acknowledged up to %d", e.Job, e.Receipt.Seq)
	case Word:
		return fmt.Sprintf("%s: its top owner spoke %v ago", e.Job, e.Age)
	case Wake:
		s.wake = e.At
	}
	return ""
}

func epochText(e hyperscale.Epoch) string {
	if e == link.NoOwner {
		return "of nobody"
	}
	return fmt.Sprint(e)
}

// up puts what goes to a gate into words.
func (s *script) up(to string, up link.Up) string {
	switch up := up.(type) {
	case link.Fenced:
		return fmt.Sprintf("%s ← refused: epoch %d of job %s is below or beside %d", to, up.Epoch, up.Job, up.Highest)
	case link.Delivery:
		return fmt.Sprintf("%s ← window of %s/%s", to, up.Hold.Job, up.Hold.Workflow)
	case link.Statement:
		text := statementText(up)
		if s.said[to] != text {
			s.said[to] = text
			return fmt.Sprintf("%s ← %s", to, text)
		}
	}
	return ""
}

func statementText(st link.Statement) string {
	text := fmt.Sprintf("%s: %d of %d free", st.Datacenter, st.Free, st.Cores)
	if st.Draining {
		text += ", draining"
	}
	if c := st.Capacity; c != nil {
		text += fmt.Sprintf(", capacity %d, age %v", c.Cores, c.Age)
	}
	for _, h := range st.Holds {
		text += fmt.Sprintf("; %s/%s %s, tenure %d, epoch %s", h.Job, h.Workflow, stateNames[h.State], h.Tenure, epochText(h.Epoch))
		if h.Start > 0 {
			text += fmt.Sprintf(", started, at %v", h.JobTime.Truncate(time.Second))
		}
		if h.Reserve.Place > 0 {
			text += fmt.Sprintf(", up to %d", h.Reserve.Place)
		}
		if long := h.Silence.Truncate(5 * time.Second); long > 0 {
			text += fmt.Sprintf(", unheard for %v", long)
		}
	}
	for _, job := range st.Over {
		text += fmt.Sprintf("; %s over", job)
	}
	return text
}
