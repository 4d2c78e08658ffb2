package plan

import (
	"fmt"
	"math"
	"slices"
	"time"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// Bounds of loads. Beyond them a plan is more likely wrong than meant.
const (
	longestLoad    = 366 * 24 * time.Hour
	longestPoisson = 31 * 24 * time.Hour // its arrivals are counted second by second before the start
	mostVUs        = 10_000_000
	mostSlots      = 1e15
)

// loadPart reads loads.
type loadPart struct{ *reader }

// kindWords are the kinds of loads as messages say them.
var kindWords = map[hyperscale.LoadKind]string{
	hyperscale.LoadOnce: "once", hyperscale.LoadClosed: "closed", hyperscale.LoadOpen: "open",
	hyperscale.LoadIterations: "of iterations", hyperscale.LoadEach: "of iterations for each virtual user", hyperscale.LoadSearch: "a search",
}

// kindKeys are the keys that each kind of load may have.
var kindKeys = map[hyperscale.LoadKind][]string{
	hyperscale.LoadClosed:     {"vus", "for", "stages", "pace", "warmup", "graceful"},
	hyperscale.LoadOpen:       {"rate", "for", "stages", "arrivals", "max-arrivals", "max-in-flight", "warmup", "graceful"},
	hyperscale.LoadIterations: {"iterations", "vus", "for", "warmup", "graceful"},
	hyperscale.LoadEach:       {"each", "vus", "for", "warmup", "graceful"},
	hyperscale.LoadSearch:     {"search", "arrivals", "max-in-flight", "warmup", "graceful"},
}

// loadForms is what messages expect of a load.
const loadForms = "{vus: N, for: D}, {rate: R, for: D}, {stages: […]}, {iterations: N, vus: M}, {each: N, vus: M} or {search: {…}}"

// drive reads a load.
func (r loadPart) drive(file *loadFile) hyperscale.Load {
	before := len(r.Faults)
	kind, ok := r.kindOf(file)
	if !ok {
		return hyperscale.Load{}
	}
	for _, e := range file.Node.Entries {
		if slices.Contains(yamlfile.KeysOf[loadFile](), e.Key) && !slices.Contains(kindKeys[kind], e.Key) {
			r.Fault(e.Pos, fmt.Sprintf("%q can't stand in a load that is %s", e.Key, kindWords[kind]), yamlfile.OneOf(kindKeys[kind]))
		}
	}
	load := hyperscale.Load{
		Kind: kind, Poisson: file.Arrivals.V.Word == "poisson",
		MaxInFlight: r.atLeastOne(&file.MaxInFlight, "max-in-flight"), Arrivals: r.atLeastOne(&file.MaxArrivals, "max-arrivals"),
		Pace: r.positive(&file.Pace, "pace"),
	}
	switch kind {
	case hyperscale.LoadSearch:
		load.Search = r.search(file.Search)
	case hyperscale.LoadIterations, hyperscale.LoadEach:
		r.work(file, &load)
	default:
		load.Stages = r.course(file, kind)
	}
	scaleLoad(&load, r.given.scale)
	if len(r.Faults) == before && !r.unread(file) {
		r.bounds(file, &load)
	}
	return load
}

// kindOf tells the kind of a load by its keys.
func (r loadPart) kindOf(file *loadFile) (kind hyperscale.LoadKind, ok bool) {
	var found []string
	for _, k := range []struct {
		key  string
		has  bool
		kind hyperscale.LoadKind
	}{
		{"search", file.Search != nil, hyperscale.LoadSearch}, {"each", file.Each.Set, hyperscale.LoadEach},
		{"iterations", file.Iterations.Set, hyperscale.LoadIterations}, {"rate", file.Rate.Set, hyperscale.LoadOpen},
		{"vus", file.VUs.Set, hyperscale.LoadClosed},
	} {
		with := kind == hyperscale.LoadIterations || kind == hyperscale.LoadEach
		if k.has && !(k.key == "vus" && with) {
			found = append(found, k.key)
			kind = k.kind
		}
	}
	if len(found) > 1 {
		r.Fault(file.KeyPos(found[1]), fmt.Sprintf("%q beside %q: a load is of one kind", found[1], found[0]), loadForms)
		return 0, false
	}
	if len(found) == 1 {
		return kind, true
	}
	for i := range file.Stages {
		if to := &file.Stages[i].To; to.Set {
			if to.V.IsRate {
				return hyperscale.LoadOpen, true
			}
			return hyperscale.LoadClosed, true
		}
	}
	r.Fault(file.Pos(), "this load drives nothing", loadForms)
	return 0, false
}

// atLeastOne takes a number that may be absent.
func (r *reader) atLeastOne(v *yamlfile.Value[int64], key string) int64 {
	if v.Set && v.V < 1 && v.Node.Kind == yamlfile.Int {
		r.aboveZero(v.Pos(), key, "1")
	}
	return v.V
}

// positive takes a duration that may be absent.
func (r *reader) positive(v *yamlfile.Value[duration], key string) time.Duration {
	if v.Set && v.V == 0 && !r.faultAt(v.Pos()) {
		r.aboveZero(v.Pos(), key, "30s")
	}
	return time.Duration(v.V)
}

// faultAt reports whether there is a fault at this place already, so that a
// value which could not be read is not found to be zero as well.
func (r *reader) faultAt(pos yamlfile.Pos) bool {
	return len(r.Faults) > mostCorrections || slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Pos == pos })
}

// work reads a load of a number of iterations.
func (r loadPart) work(file *loadFile, load *hyperscale.Load) {
	number, key := &file.Iterations, "iterations"
	if load.Kind == hyperscale.LoadEach {
		number, key = &file.Each, "each"
	}
	load.Iterations = r.atLeastOne(number, key)
	load.VUs = 1
	if file.VUs.Set {
		load.VUs = r.atLeastOne(&file.VUs, "vus")
	}
	load.For = r.positive(&file.For, "for")
	r.manyVUs(load.VUs, file.VUs.Pos())
	if load.Kind == hyperscale.LoadEach && float64(load.VUs)*float64(load.Iterations) > mostSlots || load.Iterations > mostSlots {
		r.Fault(number.Pos(), fmt.Sprintf("more than %.0e iterations", mostSlots), "")
	}
	if load.For > longestLoad {
		r.Fault(file.For.Pos(), "the load takes longer than a year", "")
	}
}

// manyVUs refuses more virtual users than can be meant.
func (r loadPart) manyVUs(n int64, pos yamlfile.Pos) {
	if n > mostVUs {
		r.Fault(pos, fmt.Sprintf("%d virtual users are more than %d", n, mostVUs), "")
	}
}

// course reads the stages of an open or closed load.
func (r loadPart) course(file *loadFile, kind hyperscale.LoadKind) []hyperscale.Stage {
	open := kind == hyperscale.LoadOpen
	key, begin := "vus", file.VUs.V
	if open {
		key, begin = "rate", int64(file.Rate.V)
	}
	has := map[string]bool{"for": file.For.Set, "stages": file.Stages != nil}
	switch {
	case has["for"] && has["stages"]:
		r.Fault(file.KeyPos("stages"), `"for" and "stages" exclude each other`, "the length in the stages")
		return nil
	case !has["for"] && !has["stages"]:
		r.Fault(file.KeyPos(key), fmt.Sprintf("%q without an end", key), "for: D or stages: […] beside it")
		return nil
	case open && file.Rate.Set && begin == 0:
		r.zero(file.Rate.Pos(), "rate")
	case !open && file.VUs.Set && (begin < 0 || begin == 0 && has["for"]):
		r.zero(file.VUs.Pos(), "vus")
	}
	if has["stages"] {
		return r.stages(file.Stages, begin, open)
	}
	return []hyperscale.Stage{{From: begin, To: begin, Over: r.positive(&file.For, "for")}}
}

// zero notes that a level must be above zero, unless it could not be read.
func (r loadPart) zero(pos yamlfile.Pos, what string) {
	if !r.faultAt(pos) {
		r.aboveZero(pos, what, "")
	}
}

// stages reads a list of stages that begins at a level.
func (r loadPart) stages(files []stageFile, level int64, open bool) []hyperscale.Stage {
	var all []hyperscale.Stage
	for i := range files {
		s := &files[i]
		r.stageForm(s, open)
		to := s.To.V.VUs
		if open {
			to = int64(s.To.V.Rate)
		}
		switch {
		case s.Hold.Set:
			all = append(all, hyperscale.Stage{From: level, To: level, Over: r.positive(&s.Hold, "hold")})
		case s.Over.Set:
			all = append(all, hyperscale.Stage{From: level, To: to, Over: r.positive(&s.Over, "over")})
			level = to
		default:
			level = to
		}
	}
	return all
}

// stageForm refuses stages that are no stage, or of the other kind.
func (r loadPart) stageForm(s *stageFile, open bool) {
	const forms = "{to: X, over: D}, {to: X} or {hold: D}"
	switch {
	case s.Hold.Set && (s.To.Set || s.Over.Set):
		r.Fault(s.KeyPos("hold"), `"hold" beside another key of a stage`, forms)
	case !s.Hold.Set && !s.To.Set:
		r.Fault(s.Pos(), "this stage goes nowhere", forms)
	case s.To.Set && s.To.V.IsRate != open:
		want := "a number of virtual users, as in the rest of the load"
		if open {
			want = "a rate such as 100/s, as in the rest of the load"
		}
		if !r.faultAt(s.To.Pos()) {
			r.Fault(s.To.Pos(), fmt.Sprintf("%s is of another kind of load", s.To.Node.Text), want)
		}
	case s.To.Set && s.To.V.VUs < 0:
		r.Fault(s.To.Pos(), "a number of virtual users below zero", "0 or more")
	}
}

// unread reports whether a level or length of the load could not be read.
func (r loadPart) unread(file *loadFile) bool {
	places := []yamlfile.Pos{file.VUs.Pos(), file.Rate.Pos(), file.For.Pos()}
	for i := range file.Stages {
		s := &file.Stages[i]
		places = append(places, s.To.Pos(), s.Over.Pos(), s.Hold.Pos())
	}
	return slices.ContainsFunc(places, func(p yamlfile.Pos) bool { return p.Line > 0 && r.faultAt(p) })
}

// bounds refuses courses that drive nothing, and those that no one can mean.
func (r loadPart) bounds(file *loadFile, load *hyperscale.Load) {
	if load.Kind != hyperscale.LoadOpen && load.Kind != hyperscale.LoadClosed {
		return
	}
	pos := file.Pos()
	if file.Stages != nil {
		pos = file.KeyPos("stages")
	}
	end := pos
	if file.For.Set {
		end = file.For.Pos()
	}
	var length, area float64
	peak := int64(0)
	for _, s := range load.Stages {
		length += float64(s.Over)
		area += (float64(s.From) + float64(s.To)) / 2 * s.Over.Seconds()
		peak = max(peak, s.From, s.To)
	}
	switch {
	case len(load.Stages) == 0:
		r.Fault(pos, "the stages take no time", "at least one of {to: X, over: D} or {hold: D}")
	case peak == 0:
		r.Fault(pos, "the load never rises above zero", "a stage above it")
	case length > float64(longestLoad):
		r.Fault(end, "the load takes longer than a year", "")
	case load.Poisson && length > float64(longestPoisson):
		r.Fault(end, "the load takes longer than a month, too long for arrivals: poisson", "")
	case load.Kind == hyperscale.LoadOpen && area/float64(hyperscale.PerSecond) > mostSlots:
		r.Fault(pos, fmt.Sprintf("the load has more than %.0e arrivals", mostSlots), "")
	case load.Kind == hyperscale.LoadClosed:
		r.manyVUs(peak, pos)
	}
}

// defaultWithin is the width at which a search ends.
const defaultWithin = 0.05

// search reads a search.
func (r loadPart) search(file *searchFile) *hyperscale.Search {
	s := &hyperscale.Search{From: hyperscale.Rate(file.From.V), To: hyperscale.Rate(file.To.V), Hold: r.positive(&file.Hold, "hold"), Within: defaultWithin}
	if file.Within.Set {
		s.Within = float64(file.Within.V)
		if (s.Within == 0 || s.Within == 1) && !r.faultAt(file.Within.Pos()) {
			r.Fault(file.Within.Pos(), "a search can't end at this width", "a share between 0 and 1, such as 5%")
		}
	}
	if file.From.Set && s.From == 0 {
		r.zero(file.From.Pos(), "rate")
	}
	switch {
	case file.To.Set && s.To == 0:
		r.zero(file.To.Pos(), "rate")
	case file.To.Set && s.To < s.From:
		r.Fault(file.To.Pos(), fmt.Sprintf("the search ends at %v, below its beginning at %v", s.To, s.From), "to: a rate above from")
	}
	if s.Hold > longestPoisson {
		r.Fault(file.Hold.Pos(), "a probe takes longer than a month", "")
	}
	if file.While.Set && file.While.Node.Kind == yamlfile.Text {
		var err error
		s.While, err = parseWhile(file.While.V)
		r.Wrong(file.While.Node, err)
	}
	return s
}

// scaleLoad multiplies every rate and number of virtual users. What was above
// zero stays so.
func scaleLoad(load *hyperscale.Load, by float64) {
	if by == 1 {
		return
	}
	times := func(n int64) int64 {
		if n == 0 {
			return 0
		}
		return int64(min(max(1, math.Round(float64(n)*by)), math.MaxInt64/4))
	}
	for i := range load.Stages {
		load.Stages[i].From, load.Stages[i].To = times(load.Stages[i].From), times(load.Stages[i].To)
	}
	load.VUs = times(load.VUs)
	if s := load.Search; s != nil {
		s.From, s.To = hyperscale.Rate(times(int64(s.From))), hyperscale.Rate(times(int64(s.To)))
	}
}
