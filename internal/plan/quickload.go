package plan

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"hyperscale"
)

// The load of a quick run that no flag describes.
const (
	quickVUs      = 10
	quickDuration = 10 * time.Second
)

// planLine is a key of the plan with its value and what it means.
type planLine struct {
	key, value string
	comment    string // "": it speaks for itself
	from       string // the flag or flags with their values; "": none
}

// quickLoad is a QuickLoad whose texts were read. Absent ones are zero.
type quickLoad struct {
	vus, iterations int64
	duration        time.Duration
	rate            hyperscale.Rate
	stages          []quickStage
	scale           float64
}

// quickStage is one stage: in over to a level, of virtual users or a rate.
type quickStage struct {
	over time.Duration
	to   level
}

// read reads the texts.
func (q QuickLoad) read(scale string) (l quickLoad, err error) {
	l.scale = 1
	if scale != "" {
		if l.scale, err = strconv.ParseFloat(scale, 64); err != nil || !(l.scale > 0) || l.scale > 1e9 {
			return l, wrongSetting("scale", scale, notThat("it is no factor", "a number above zero, such as 0.5 or 2"))
		}
	}
	for _, f := range []struct {
		name, text string
		read       func(string) error
	}{
		{"vus", q.VUs, countInto(&l.vus)},
		{"iterations", q.Iterations, countInto(&l.iterations)},
		{"duration", q.Duration, durationInto(&l.duration)},
		{"rate", q.Rate, rateInto(&l.rate)},
	} {
		if f.text == "" {
			continue
		}
		if err := f.read(f.text); err != nil {
			return l, wrongSetting(f.name, f.text, err)
		}
	}
	for _, text := range q.Stages {
		s, err := readStage(text)
		if err != nil {
			return l, wrongSetting("stage", text, err)
		}
		l.stages = append(l.stages, s)
	}
	return l.scaled(), nil
}

// mostCount bounds numbers of virtual users and iterations.
const mostCount = 1 << 40

func countInto(n *int64) func(string) error {
	return func(text string) (err error) {
		*n, err = strconv.ParseInt(text, 10, 64)
		if err != nil || *n < 1 || *n > mostCount {
			return notThat("it is no whole number above zero", "such as 100")
		}
		return nil
	}
}

func durationInto(d *time.Duration) func(string) error {
	return func(text string) (err error) {
		if *d, err = hyperscale.ParseDuration(text); err == nil && *d == 0 {
			err = notThat("it must be above zero", "such as 30s")
		}
		return err
	}
}

func rateInto(r *hyperscale.Rate) func(string) error {
	return func(text string) (err error) {
		if *r, err = hyperscale.ParseRate(text); err == nil && *r == 0 {
			err = notThat("it must be above zero", "such as 100/s")
		}
		return err
	}
}

// readStage reads OVER:LEVEL.
func readStage(text string) (s quickStage, err error) {
	over, to, ok := strings.Cut(text, ":")
	if !ok {
		return s, notThat("it is no stage", "OVER:LEVEL such as 30s:100 (VUs) or 30s:100/s")
	}
	if s.over, err = hyperscale.ParseDuration(over); err != nil {
		return s, err
	}
	if s.to.IsRate = strings.Contains(to, "/"); s.to.IsRate {
		s.to.Rate, err = hyperscale.ParseRate(to)
		return s, err
	}
	s.to.VUs, err = strconv.ParseInt(to, 10, 64)
	if err != nil || s.to.VUs < 0 || s.to.VUs > mostCount {
		err = notThat(fmt.Sprintf("%q is no level", to), "such as 100 (VUs) or 100/s")
	}
	return s, err
}

// scaled multiplies the rates and numbers of virtual users.
func (l quickLoad) scaled() quickLoad {
	l.rate = hyperscale.Rate(l.times(int64(l.rate)))
	for i := range l.stages {
		to := &l.stages[i].to
		to.VUs, to.Rate = l.times(to.VUs), hyperscale.Rate(l.times(int64(to.Rate)))
	}
	if !l.open() {
		l.vus = l.times(l.vus)
	}
	return l
}

// times multiplies a level by the scale. One above zero stays so.
func (l quickLoad) times(n int64) int64 {
	if n == 0 || l.scale == 1 {
		return n
	}
	return int64(min(max(math.Round(float64(n)*l.scale), 1), math.MaxInt64/2))
}

// users is the number of virtual users, which a flag or a default gives.
func (l quickLoad) users() int64 {
	if l.vus > 0 {
		return l.vus
	}
	return l.times(quickVUs)
}

// open reports whether arrivals are what the load is made of.
func (l quickLoad) open() bool {
	return l.rate > 0 || len(l.stages) > 0 && l.stages[0].to.IsRate
}

// lines is the load as the plan has it.
func (l quickLoad) lines() ([]planLine, error) {
	switch {
	case len(l.stages) > 0:
		return l.staged()
	case l.open():
		return l.arrivals()
	case l.iterations > 0:
		return l.work(), nil
	}
	if l.duration == 0 {
		l.duration = quickDuration
	}
	return []planLine{
		{"vus", strconv.FormatInt(l.users(), 10), "virtual users, each going round and round", ""},
		{"for", hyperscale.FormatDuration(l.duration), "", ""},
	}, nil
}

// loadKeys are the settings that each key of a load is from.
var loadKeys = map[string]string{
	"vus": "vus", "max-in-flight": "vus", "iterations": "iterations", "max-arrivals": "iterations",
	"for": "duration", "rate": "rate", "stages": "stage",
}

// from notes what lines of a load are from: a number of users without a flag is
// from none.
func (q QuickLoad) from(lines []planLine) {
	texts := map[string]string{
		"vus": q.VUs, "iterations": q.Iterations, "duration": q.Duration, "rate": q.Rate, "stage": strings.Join(q.Stages, " "),
	}
	for i := range lines {
		if setting := loadKeys[lines[i].key]; texts[setting] != "" {
			lines[i].from = flagText(setting, texts[setting])
		}
	}
}

// work is a number of iterations that virtual users share. Of the users that
// nobody asked for there are no more than there is work.
func (l quickLoad) work() []planLine {
	vus := l.users()
	if l.vus == 0 {
		vus = min(vus, l.iterations)
	}
	lines := []planLine{
		{"iterations", strconv.FormatInt(l.iterations, 10), "shared by the virtual users", ""},
		{"vus", strconv.FormatInt(vus, 10), "", ""},
	}
	if l.duration > 0 {
		lines = append(lines, planLine{"for", hyperscale.FormatDuration(l.duration), "at most", ""})
	}
	return lines
}

// arrivals is a steady rate.
func (l quickLoad) arrivals() ([]planLine, error) {
	lines := []planLine{{"rate", l.rate.String(), "arrivals, however fast the target answers", ""}}
	switch {
	case l.duration == 0 && l.iterations > 0:
		var err error
		if l.duration, err = timeOf(l.iterations, l.rate); err != nil {
			return nil, err
		}
	case l.duration == 0:
		l.duration = quickDuration
	}
	lines = append(lines, planLine{"for", hyperscale.FormatDuration(l.duration), "", ""})
	return append(lines, l.bounds()...), nil
}

// bounds is what flags bound an open load with.
func (l quickLoad) bounds() (lines []planLine) {
	if l.iterations > 0 {
		lines = append(lines, planLine{"max-arrivals", strconv.FormatInt(l.iterations, 10), "the load ends after so many", ""})
	}
	if l.vus > 0 {
		lines = append(lines, planLine{"max-in-flight", strconv.FormatInt(l.vus, 10), "an arrival above so many is missed", ""})
	}
	return lines
}

// timeOf is the time in which so many arrivals are due, up to the millisecond.
func timeOf(n int64, r hyperscale.Rate) (time.Duration, error) {
	const round = int64(time.Millisecond)
	ms := new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(hyperscale.PerSecond)*(int64(time.Second)/round)))
	ms.Add(ms, big.NewInt(int64(r)-1)).Quo(ms, big.NewInt(int64(r)))
	if !ms.IsInt64() || ms.Int64() > math.MaxInt64/round {
		return 0, wrongSetting("iterations", strconv.FormatInt(n, 10), notThat(fmt.Sprintf("at %v they take more than 292 years", r), "a higher --rate"))
	}
	return time.Duration(ms.Int64() * round), nil
}

// staged is a load in stages.
func (l quickLoad) staged() ([]planLine, error) {
	if err := l.contradiction(); err != nil {
		return nil, err
	}
	var lines []planLine
	at := level{VUs: l.vus, Rate: l.rate, IsRate: l.open()}
	switch {
	case l.rate > 0:
		lines = append(lines, planLine{"rate", l.rate.String(), "to start with", ""})
	case !at.IsRate && l.vus > 0:
		lines = append(lines, planLine{"vus", strconv.FormatInt(l.vus, 10), "to start with", ""})
	}
	if at.IsRate {
		at.VUs = 0
	}
	var stages strings.Builder
	for _, s := range l.stages {
		stages.WriteString("\n        - " + s.text(at))
		at = s.to
	}
	lines = append(lines, planLine{"stages", stages.String(), "", ""})
	if at.IsRate {
		lines = append(lines, l.bounds()...)
	}
	return lines, nil
}

// contradiction says which flags cannot stand beside these stages.
func (l quickLoad) contradiction() error {
	first := l.stages[0].to
	for _, s := range l.stages {
		if s.to.IsRate != first.IsRate {
			return errors.New("--stage: one goes to a number of virtual users (30s:100) and another to a rate (30s:100/s); expected one kind")
		}
	}
	switch {
	case l.duration > 0:
		return errors.New("-d and --stage exclude each other: the stages say how long the load goes on")
	case !first.IsRate && l.rate > 0:
		return fmt.Errorf("--rate and --stage %s:%d contradict each other: the stage is a number of virtual users; expected a rate such as %s:%d/s",
			hyperscale.FormatDuration(l.stages[0].over), first.VUs, hyperscale.FormatDuration(l.stages[0].over), first.VUs)
	case !first.IsRate && l.iterations > 0:
		return errors.New("-n and --stage exclude each other: virtual users in stages end by time; expected stages of a rate (30s:100/s), or no stages")
	}
	return nil
}

// text is the stage as the plan has it, in a load that stands at a level.
func (s quickStage) text(at level) string {
	over := hyperscale.FormatDuration(s.over)
	to := strconv.FormatInt(s.to.VUs, 10)
	if s.to.IsRate {
		to = s.to.Rate.String()
	}
	switch {
	case s.over == 0:
		return "{to: " + to + "}"
	case s.to == at:
		return "{hold: " + over + "}"
	}
	return "{to: " + to + ", over: " + over + "}"
}
