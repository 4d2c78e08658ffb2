package cli

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/plan"
	"hyperscale/internal/schedule"
	"hyperscale/internal/session"
)

// shownPasses is how many loops of a closed VU are printed.
const shownPasses = 3

// printSlots writes what each slot of the share is, a line each: when it is due
// by the schedule of its workflow, the number that its data rows are taken by,
// its first draws, and each request that it would send if every answer were an
// empty 200. Whatever division prints them, the lines are the same.
func (a *app) printSlots(loaded *plan.Loaded, share hyperscale.Share) error {
	w := bufio.NewWriter(a.Stdout)
	for i := range loaded.Plan.Workflows {
		workflow := &loaded.Plan.Workflows[i]
		program, err := session.Compile(loaded.Plan, i, sessionInputs(loaded, workflow))
		if err != nil {
			return refused(err)
		}
		d := dry{w: w, name: workflow.Name, source: hyperscale.NewSource(loaded.Plan.Seed, workflow.Name)}
		program.Init(&d.session)
		d.walk(workflow, share)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("printing slots: %w", err)
	}
	return nil
}

// sessionInputs gives a workflow its rows, and stands in for what it uses of
// others.
func sessionInputs(loaded *plan.Loaded, w *hyperscale.Workflow) session.Inputs {
	in := session.Inputs{UserAgent: "hyperscale/" + Version, Rows: rows(loaded), Use: map[string]session.Value{}}
	for _, u := range w.Use {
		in.Use[u.Local] = session.Value{Text: "(" + u.Workflow + "." + u.Name + ")"}
	}
	return in
}

// dry runs the iterations of one workflow without sending.
type dry struct {
	w       *bufio.Writer
	name    string
	source  hyperscale.Source
	session session.Session
	effects []session.Effect
}

// printf writes; a bufio.Writer keeps its error until Flush.
func (d *dry) printf(format string, args ...any) { _, _ = fmt.Fprintf(d.w, format, args...) }

// walk goes over all slots of a share.
func (d *dry) walk(w *hyperscale.Workflow, share hyperscale.Share) {
	rows := schedule.NewRows(w.Load)
	switch w.Load.Kind {
	case hyperscale.LoadOpen:
		all := schedule.NewArrivals(w.Load, d.source)
		for n := int64(0); ; n++ {
			slot := share.At(n)
			due, ok := all.Due(slot)
			if !ok {
				return
			}
			d.print(session.Iteration{Slot: slot, VU: 0, Row: rows.Number(slot, 0), Due: due})
		}
	case hyperscale.LoadClosed:
		for v, due := range begins(schedule.NewUsers(w.Load)) {
			d.passes(hyperscale.Slot(v), due, share, rows, shownPasses)
		}
	case hyperscale.LoadSearch:
		d.printf("%s\tthe slots of a search depend on what it finds\n", d.name)
	default:
		all := schedule.NewIterations(w.Load)
		for slot := range all.Slots {
			d.passes(hyperscale.Slot(slot), 0, share, rows, all.Passes)
		}
	}
}

// begins is when each virtual user of a closed load begins, by its number.
func begins(users *schedule.Users) []hyperscale.JobTime {
	var due []hyperscale.JobTime
	for at, level, ok := hyperscale.JobTime(0), users.At(0), true; ok; at, level, ok = users.Change(at) {
		for int64(len(due)) < level {
			due = append(due, at)
		}
	}
	return due
}

// passes prints the loops of one virtual user. When the second and later ones
// are due depends on the target.
func (d *dry) passes(slot hyperscale.Slot, due hyperscale.JobTime, share hyperscale.Share, rows schedule.Rows, passes int64) {
	if !share.Holds(slot) {
		return
	}
	for pass := range passes {
		d.print(session.Iteration{Slot: slot, Pass: pass, VU: int64(slot), Row: rows.Number(slot, pass), Due: due})
	}
}

// print writes one iteration.
func (d *dry) print(it session.Iteration) {
	d.printf("%s\tslot=%d pass=%d due=%v row=%d draws=%016x,%016x", d.name, it.Slot, it.Pass, it.Due, it.Row,
		d.source.Draw(it.Slot, it.Pass, 0), d.source.Draw(it.Slot, it.Pass, 1))
	for _, request := range d.requests(&it) {
		d.printf("\t%s", strconv.Quote(request))
	}
	d.printf("\n")
}

// steps bounds the events of one iteration: until loops may never end on empty
// answers.
const steps = 10_000

// requests steps the session through an iteration and gives what it would send.
func (d *dry) requests(it *session.Iteration) []string {
	var sent []string
	now := it.Due
	d.effects = d.session.Step(now, session.Event{Kind: session.Begin, Iteration: it}, d.effects[:0])
	for n := 0; len(d.effects) > 0 && n < steps; n++ {
		e := d.effects[0]
		d.effects = d.effects[1:]
		switch e.Kind {
		case session.Send:
			sent = append(sent, strings.TrimRight(string(e.Request.Head), "\r\n")+"\n"+string(e.Request.Body))
			answer := session.Answer{Status: 200, Start: now, End: now}
			d.effects = d.session.Step(now, session.Event{Kind: session.Answered, ID: e.ID, Answer: &answer}, d.effects)
		case session.Wait:
			now = max(now, e.At)
			d.effects = d.session.Step(now, session.Event{Kind: session.Woken, ID: e.ID}, d.effects)
		case session.Done:
			return sent
		}
	}
	d.session.Step(now+time.Second, session.Event{Kind: session.Interrupt}, nil)
	return sent
}
