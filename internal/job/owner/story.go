package owner

import (
	"errors"
	"math"
	"strings"

	"hyperscale"
	"hyperscale/internal/job"
	"hyperscale/internal/job/account"
	"hyperscale/internal/stats"
)

// story is the job with its account, and what was applied to them. Whatever
// changes them goes through one of its methods, which note it, so that the same
// steps make the same job and account again.
type story struct {
	plan    *hyperscale.Plan
	job     job.Course
	account *account.Account
	wake    hyperscale.JobTime // when the job wants a tick; never: it does not
	entries []job.Entry        // all that the job was given
	fresh   []step             // since the last save
	led     bool               // a parent decides over the job, and judges it
	owed    job.Owed           // as the job was told last
	copies  *job.Copies        // the job, if several datacenters run it each; else nil
}

// newStory is one that nothing was told of yet. Of a job that is led a parent decides.
func newStory(cfg Config) *story {
	s := &story{plan: cfg.Plan, wake: never, led: cfg.Parent != nil}
	switch {
	case s.led:
		s.job = job.NewLed(cfg.Plan)
	case cfg.copies() > 1:
		s.copies = job.NewCopies(cfg.Plan, cfg.copies())
		s.job = s.copies
	case cfg.Datacenters:
		s.job = job.NewParted(cfg.Plan)
	default:
		s.job = job.New(cfg.Plan)
	}
	s.keep(cfg, account.New(cfg.Plan))
	return s
}

// keep makes an account that of the job.
func (s *story) keep(cfg Config, a *account.Account) {
	s.account = a
	stats.InCopies(a.Tally.Marks(), cfg.copies())
}

// place is the datacenter that has a copy; "": none yet.
func (s *story) place(number int) hyperscale.NodeID { return hyperscale.NodeID(s.copies.Place(number)) }

// step is one thing that was applied. One of its fields is set.
type step struct {
	Entry    *job.Entry             `json:",omitempty"`
	Ended    *account.Leg           `json:",omitempty"` // and then Entry follows from it
	Judged   *hyperscale.JobTime    `json:",omitempty"`
	Loss     *stats.Loss            `json:",omitempty"`
	Cause    *stats.Cause           `json:",omitempty"`
	Lowered  *account.Lowering      `json:",omitempty"`
	Adjusted *hyperscale.Adjustment `json:",omitempty"`

	joint *stats.Window // written down apart
}

// step gives the job an event.
func (s *story) step(at hyperscale.JobTime, ev job.Event) []job.Effect {
	s.fresh = append(s.fresh, step{Entry: &job.Entry{At: at, Event: ev}})
	return s.apply(at, ev)
}

// ended books the end of a leg and gives what the job is to be told.
func (s *story) ended(l account.Leg) job.LegEnded {
	s.fresh = append(s.fresh, step{Ended: &l})
	return s.account.Ended(l)
}

// judged lets thresholds look at a second of job time, and says which end the job.
func (s *story) judged(second hyperscale.JobTime) []string {
	s.fresh = append(s.fresh, step{Judged: &second})
	return s.judge(second)
}

func (s *story) judge(second hyperscale.JobTime) (fired []string) {
	if !s.led {
		fired = s.account.Judge(second)
	}
	s.account.Glance(second)
	return fired
}

// loss notes what was lost with a holder.
func (s *story) loss(l stats.Loss) {
	s.fresh = append(s.fresh, step{Loss: &l})
	s.account.Loss(l)
}

// cause notes a cause of the verdict that windows do not tell.
func (s *story) cause(c stats.Cause) {
	s.fresh = append(s.fresh, step{Cause: &c})
	s.account.Cause(c)
}

// lowered notes that a holder has no room for a load's bound; it is false if that
// was known.
func (s *story) lowered(l account.Lowering) bool {
	if !s.account.Lowered(l) {
		return false
	}
	s.fresh = append(s.fresh, step{Lowered: &l})
	return true
}

// adjusted notes an adjustment.
func (s *story) adjusted(a hyperscale.Adjustment) {
	s.fresh = append(s.fresh, step{Adjusted: &a})
	s.account.Adjusted(a)
}

// count counts a joint of a datacenter, or of none.
func (s *story) count(w *stats.Window, place string) {
	s.fresh = append(s.fresh, step{joint: w})
	s.account.Joint(w, place)
}

// apply gives the job an event and keeps its account of what it marks.
func (s *story) apply(at hyperscale.JobTime, ev job.Event) []job.Effect {
	s.entries = append(s.entries, job.Entry{At: at, Event: ev})
	s.note(ev)
	if ev, ok := ev.(job.StepAborted); ok {
		s.account.Aborted(ev.Workflow, ev.Step)
	}
	effects := s.job.Step(at, ev)
	for _, e := range effects {
		switch e := e.(type) {
		case job.Wake:
			s.wake = e.At
		case job.Mark:
			s.account.Mark(e)
		case job.Finish:
			s.wake = never
		}
	}
	return effects
}

// again applies a step that was saved.
func (s *story) again(st step) error {
	switch {
	case st.Entry != nil:
		s.apply(st.Entry.At, st.Entry.Event)
	case st.Ended != nil:
		s.account.Ended(*st.Ended)
	case st.Judged != nil:
		s.judge(*st.Judged)
	case st.Loss != nil:
		s.account.Loss(*st.Loss)
	case st.Cause != nil:
		s.account.Cause(*st.Cause)
	case st.Lowered != nil:
		s.account.Lowered(*st.Lowered)
	case st.Adjusted != nil:
		s.account.Adjusted(*st.Adjusted)
	default:
		return errors.New("a step of nothing")
	}
	return nil
}

// note keeps what the job was told last.
func (s *story) note(ev job.Event) {
	switch ev := ev.(type) {
	case job.Tick:
		s.wake = never
	case job.Owed:
		s.owed = ev
	}
}

// replay makes the job again from all that it was given; the account has what
// came of it.
func (s *story) replay(entries []job.Entry) {
	s.entries, s.wake = entries, never
	for _, e := range entries {
		s.note(e.Event)
		for _, effect := range s.job.Step(e.At, e.Event) {
			switch effect := effect.(type) {
			case job.Wake:
				s.wake = effect.At
			case job.Finish:
				s.wake = never
			}
		}
	}
}

// progress is a picture of the job.
func (s *story) progress() stats.Progress { return s.account.Progress(s.job.Workflows()) }

// standing is how far its workflows are.
func (s *story) standing() []stats.WorkflowProgress { return s.account.Standing(s.job.Workflows()) }

// done is how much of the job is done, in whole percent: the mean over its workflows.
// Finer it would have to be written into the head of the job with each save. It is 100
// only when the job has completed. What ended otherwise adds nothing: its
// workflows count as over, not as done.
func (s *story) done() float64 {
	if phase := s.job.Phase(); phase.Terminal() && phase != hyperscale.Completed {
		return 0
	}
	workflows, sum := s.standing(), 0.0
	for _, w := range workflows {
		if w.Phase.Terminal() && w.Phase != hyperscale.Skipped {
			w.Done = 1
		}
		sum += w.Done
	}
	done := math.Floor(100 * sum / float64(max(len(workflows), 1)))
	if s.job.Phase() != hyperscale.Completed {
		done = min(done, 99)
	}
	return done
}

// paused says which workflows are paused; "": none is.
func (s *story) paused() string {
	var names []string
	for _, w := range s.standing() {
		if w.Paused {
			names = append(names, w.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + map[bool]string{true: " is paused", false: " are paused"}[len(names) == 1]
}

// cancelled reports whether the workflow, or with "" the job, was cancelled.
func (s *story) cancelled(workflow string) bool {
	for _, e := range s.entries {
		if c, ok := e.Event.(job.Cancel); ok && (c.Workflow == workflow || c.Workflow == "") {
			return true
		}
	}
	return false
}

// outcome is how a workflow ended, or stands.
func (s *story) outcome(workflow string) job.Outcome {
	for _, o := range s.job.Workflows() {
		if o.Workflow == workflow {
			return o
		}
	}
	return job.Outcome{}
}
