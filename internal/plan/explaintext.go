package plan

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/show"
)

// Text writes the explanation for people, in lines of at most width cells.
func (e *Explanation) Text(w io.Writer, width int, theme show.Theme) error {
	t := &explanationText{width: max(width, 40), theme: theme}
	t.line(theme.Strong(show.Clean(e.Plan)) + "  " + show.Clean(e.Target))
	for i := range e.Workflows {
		t.run(&e.Workflows[i])
	}
	t.timeline(e.Workflows)
	t.sets(e.Data)
	if len(e.Thresholds) > 0 {
		t.title("Thresholds")
		for _, text := range e.Thresholds {
			t.item(text)
		}
	}
	t.machine(&e.Machine)
	t.values(e.Values)
	t.problems(e.Problems)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// explanationText is the text while it is written.
type explanationText struct {
	b     strings.Builder
	width int
	theme show.Theme
}

// labelWidth is the cells of what stands at the left of a value.
const labelWidth = 14

func (t *explanationText) line(text string) { t.b.WriteString(strings.TrimRight(text, " ") + "\n") }

func (t *explanationText) title(text string) { t.line("\n" + t.theme.Strong(text)) }

// field writes a value with its label; the rest of a long one stands below it.
func (t *explanationText) field(label, value string) { t.wide(label, labelWidth, value) }

// wide is field with a label of another width.
func (t *explanationText) wide(label string, cells int, value string) {
	label = t.theme.Faint(show.Left(show.Clean(label), cells))
	for _, part := range show.Wrap(show.Clean(value), t.width-cells-2) {
		t.line("  " + label + part)
		label = strings.Repeat(" ", cells)
	}
}

// item writes a text that has no label.
func (t *explanationText) item(text string) {
	for _, part := range show.Wrap(show.Clean(text), t.width-2) {
		t.line("  " + part)
	}
}

// run writes what one workflow will do.
func (t *explanationText) run(r *ExplainedRun) {
	t.title("Workflow " + show.Clean(r.Name))
	t.field("load", r.Load)
	if len(r.After) > 0 {
		t.field("after", strings.Join(r.After, ", "))
	}
	t.field("iteration", hyperscale.Plural(r.Requests, "request")+" at most")
	if planned := r.planned(); planned != "" && r.Kind != kindNames[hyperscale.LoadOnce] {
		t.field("planned", planned)
	}
	if b := r.InFlight; b != nil {
		text := hyperscale.Count(b.Value) + " at most (" + b.Source
		if b.Lowered > 0 {
			text += ", lowered from " + hyperscale.Count(b.Lowered)
		}
		t.field("in flight", text+"); arrivals above that are missed")
	}
	t.field("connections", hyperscale.Count(r.Connections)+" at most")
	text := inWords(r.GracefulS) + " for iterations in progress"
	if r.WarmupS > 0 {
		text = inWords(r.WarmupS) + " of warm-up at the start; " + text
	}
	t.field("grace", text)
}

// planned is how much there is to do.
func (r *ExplainedRun) planned() string {
	var parts []string
	if r.Slots != nil {
		parts = append(parts, hyperscale.Plural(*r.Slots, "iteration"))
	}
	if r.VUSeconds != nil {
		parts = append(parts, hyperscale.Count(int64(math.Round(*r.VUSeconds)))+" VU-seconds")
	}
	if r.VUs != nil {
		parts = append(parts, "peak "+hyperscale.Plural(*r.VUs, "VU"))
	}
	if r.PeakRate != nil {
		parts = append(parts, "peak "+show.Rate(*r.PeakRate))
	}
	return strings.Join(parts, ", ")
}

// inWords is a number of seconds as a duration.
func inWords(seconds float64) string {
	return hyperscale.FormatDuration(time.Duration(math.Round(seconds * float64(time.Second))))
}

// timeline draws when the workflows run.
func (t *explanationText) timeline(runs []ExplainedRun) {
	whole, names := 0.0, 0
	for i := range runs {
		if runs[i].Timeline == nil {
			return
		}
		whole = max(whole, runs[i].Timeline.LatestEndS)
		names = max(names, show.Width(show.Clean(runs[i].Name)))
	}
	t.title("Timeline")
	names = min(names, t.width/3) + 2
	var times []string
	longest := 0
	for i := range runs {
		times = append(times, runs[i].Timeline.words())
		longest = max(longest, show.Width(times[i]))
	}
	for i := range runs {
		left := "  " + show.Left(show.Clean(runs[i].Name), names) + show.Left(times[i], longest) + "  "
		room := min(t.width-show.Width(left), 60)
		if room < 10 || whole == 0 {
			t.line(left)
			continue
		}
		t.line(left + t.bar(runs[i].Timeline, whole, room))
	}
	if whole > 0 {
		t.item("━ by the plan, ╌ with all of the grace")
	}
}

// words is when a workflow begins and ends.
func (s *ExplainedTimes) words() string {
	text := inWords(s.StartS)
	if s.LatestStartS > s.StartS {
		text += "…" + inWords(s.LatestStartS)
	}
	if s.Open {
		return text + " – when its work is done"
	}
	text += " – " + inWords(s.EndS)
	if s.LatestEndS > s.EndS {
		text += "…" + inWords(s.LatestEndS)
	}
	return text
}

// bar draws a stretch of the whole in so many cells.
func (t *explanationText) bar(s *ExplainedTimes, whole float64, cells int) string {
	place := func(seconds float64) int { return int(math.Round(seconds / whole * float64(cells))) }
	start, end, latest := place(s.StartS), place(s.EndS), place(s.LatestEndS)
	start = min(start, cells-1)
	end = max(end, start+1)
	if s.Open {
		return strings.Repeat(" ", start) + t.theme.Accent("━") + t.theme.Faint("…")
	}
	return strings.Repeat(" ", start) + t.theme.Accent(strings.Repeat("━", end-start)) + t.theme.Faint(strings.Repeat("╌", max(latest-end, 0)))
}

// sets writes the data sets.
func (t *explanationText) sets(sets []ExplainedSet) {
	if len(sets) == 0 {
		return
	}
	t.title("Data")
	for _, s := range sets {
		text := hyperscale.Plural(s.Rows, "row") + " (" + strings.Join(s.Columns, ", ") + "), " + s.Pick
		if s.Needed != nil {
			text += ", " + hyperscale.Count(*s.Needed) + " needed"
		}
		if len(s.UsedBy) > 0 {
			text += ", for " + strings.Join(s.UsedBy, ", ")
		}
		t.field(s.Name, text+"; "+s.Path)
	}
}

// machine writes what the run takes of the machine.
func (t *explanationText) machine(m *ExplainedNeeds) {
	t.title("This machine")
	if m.Lanes > 0 {
		t.field("lanes", hyperscale.Count(m.Lanes)+", which share the slots evenly")
	}
	t.field("connections", hyperscale.Count(m.Connections)+" at most"+ofLimit(m.MaxPorts, "local ports towards one address"))
	t.field("descriptors", hyperscale.Count(m.Descriptors)+" at most"+ofLimit(m.MaxDescriptors, "allowed"))
	var parts []string
	for _, p := range m.Memory {
		text := size3(p.Each) + " for " + p.What
		if p.Count > 1 {
			text = size3(p.Each) + " for each of " + hyperscale.Count(p.Count) + " " + p.What
		}
		parts = append(parts, text)
	}
	t.field("memory", "about "+size3(m.MemoryBytes)+", reckoned as "+strings.Join(parts, " + ")+"; bodies kept for captures and checks come on top")
}

// ofLimit puts a limit beside a number.
func ofLimit(limit *int64, what string) string {
	if limit == nil {
		return ""
	}
	return "; " + hyperscale.Count(*limit) + " " + what
}

// size3 is a number of bytes in binary units, with three digits.
func size3(n int64) string {
	v, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 999.5 {
			break
		}
		v, unit = v/1024, next
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + " " + unit
}

// values writes the values that count and where they are from.
func (t *explanationText) values(values []Effective) {
	if len(values) == 0 {
		return
	}
	t.title("Values in effect")
	names := labelWidth
	for _, v := range values {
		names = min(max(names, show.Width(show.Clean(v.Name))+2), t.width/2)
	}
	for _, v := range values {
		text := fmt.Sprintf("%s  (%s)", v.Value, v.From)
		if v.Own > 0 {
			text += fmt.Sprintf("; %s with another", hyperscale.Plural(v.Own, "step"))
		}
		t.wide(v.Name, names, text)
	}
}

// problems writes what will not fit.
func (t *explanationText) problems(problems []Problem) {
	if len(problems) == 0 {
		return
	}
	t.title("To know before")
	for _, p := range problems {
		mark, text := t.theme.Warn("!"), p.What
		if p.Refused {
			mark, text = t.theme.Bad("✗"), text+": a run would not start"
		}
		if p.Workflow != "" {
			text = p.Workflow + ": " + text
		}
		for _, part := range show.Wrap(show.Clean(text), t.width-4) {
			t.line("  " + mark + " " + part)
			mark = " "
		}
	}
}
