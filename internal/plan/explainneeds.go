package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"hyperscale"
	"hyperscale/internal/plan/data"
)

// problems lists what will not fit, refusals first.
func problems(l *Loaded, limits Limits, needs []Need, spans []Span, m ExplainedNeeds) []Problem {
	var refused, notes []Problem
	for _, n := range needs {
		switch {
		case n.Given && n.Connections > min(limits.room(), limits.ports(n)):
			refused = append(refused, Problem{n.Workflow, fmt.Sprintf("needs %s connections, and %s", hyperscale.Count(n.Connections), limits.words(n)), true})
		case n.Lowered > 0:
			notes = append(notes, Problem{n.Workflow, fmt.Sprintf("max-in-flight is lowered from %s to %s: %s", hyperscale.Count(n.Lowered), hyperscale.Count(n.VUs), limits.words(n)), false})
		}
	}
	if len(refused) == 0 && m.Connections > limits.room() {
		notes = append(notes, Problem{"", fmt.Sprintf("workflows that run at the same time need %s connections together, and %s", hyperscale.Count(m.Connections), limits.words(Need{})), false})
	}
	if limits.Memory > 0 && m.MemoryBytes > limits.Memory {
		notes = append(notes, Problem{"", fmt.Sprintf("memory may not suffice: %s of %s", hyperscale.FormatSize(m.MemoryBytes), hyperscale.FormatSize(limits.Memory)), false})
	}
	for _, s := range spans {
		if l.Plan.Deadline > 0 && s.End > l.Plan.Deadline {
			notes = append(notes, Problem{s.Workflow, fmt.Sprintf("ends after %s by the plan, and the deadline is %s", hyperscale.FormatDuration(s.End), hyperscale.FormatDuration(l.Plan.Deadline)), false})
		}
	}
	if l.Plan.Target == DemoTarget {
		notes = append(notes, Problem{"", "the demo target runs in the same process: it takes as many descriptors again, and its CPU time too", false})
	}
	return slices.Concat(refused, notes, windowProblems(l.Plan, spans), rowProblems(l))
}

// rowProblems tells of rows that may run out.
func rowProblems(l *Loaded) (all []Problem) {
	for i := range l.Plan.Data {
		d := &l.Plan.Data[i]
		used := false
		for j := range l.Plan.Workflows {
			w := &l.Plan.Workflows[j]
			if !slices.Contains(l.uses[w.Name], d.Name) {
				continue
			}
			used = true
			if d.Pick == hyperscale.PickUnique && (w.Load.Kind == hyperscale.LoadClosed || w.Load.Kind == hyperscale.LoadSearch) {
				all = append(all, Problem{w.Name, fmt.Sprintf("uses each row of %s once: after %s iterations there is none left", d.Name, hyperscale.Count(d.Rows)), false})
			}
		}
		if !used {
			all = append(all, Problem{"", "no step reads the data set " + d.Name, false})
		}
	}
	return all
}

// words says what bounds the connections of a workflow, or of the whole plan.
func (l Limits) words(n Need) string {
	text := fmt.Sprintf("there are %s local ports towards one address", hyperscale.Count(l.Ports))
	ports := l.ports(n)
	if n.Lowered > 0 {
		text, ports = text+", half of which stay free", ports/2
	}
	if n.origins > 0 && ports < l.room() {
		return text
	}
	return fmt.Sprintf("this process may have %s descriptors, %d of them for other things (ulimit -n)", hyperscale.Count(l.Descriptors), ownDescriptors)
}

// ExplainedNeeds is what a run takes of the machine at most.
type ExplainedNeeds struct {
	Lanes          int64        `json:"lanes"`       // 0: not known
	Connections    int64        `json:"connections"` // of the workflows that run at the same time
	Descriptors    int64        `json:"descriptors"`
	MaxDescriptors *int64       `json:"max_descriptors"`
	MaxPorts       *int64       `json:"max_ports"`
	MemoryBytes    int64        `json:"memory_bytes"`
	Memory         []MemoryPart `json:"memory"` // what the estimate is made of
}

// MemoryPart is a part of the estimate of memory: so many things of so many
// bytes.
type MemoryPart struct {
	What  string `json:"what"`
	Count int64  `json:"count"`
	Each  int64  `json:"bytes_each"`
}

// The figures of the memory estimate, in bytes: what the process takes by
// itself, and a virtual user with its connection. They are resident memory as
// measured with 100 to 4000 users of one request each, rounded up: 16 MB, and
// for each user 2 kB, with TLS 21 to 46 kB, with HTTP/2 29 kB. Bodies that
// captures and checks keep are not in them.
const (
	processMemory = 32 << 20
	userMemory    = 6 << 10
	tlsMemory     = 40 << 10 // more, of a connection with TLS
	http2Memory   = 32 << 10 // more, of a connection with HTTP/2
)

// explainNeeds adds up what the workflows take.
func explainNeeds(l *Loaded, limits Limits, needs []Need, spans []Span) ExplainedNeeds {
	m := ExplainedNeeds{Lanes: limits.Lanes, Memory: []MemoryPart{{"the process", 1, processMemory}}}
	at := busiest(l.Plan, needs, spans)
	vus, secure, multiplexed := int64(0), int64(0), int64(0)
	for _, i := range at {
		m.Connections += needs[i].Connections
		vus += needs[i].VUs
		s, h := l.kindsOf(&l.Plan.Workflows[i])
		secure += s * needs[i].Connections
		multiplexed += h * needs[i].Connections
	}
	m.Descriptors = m.Connections + ownDescriptors
	m.MaxDescriptors, m.MaxPorts = known(limits.Descriptors), known(limits.Ports)
	add := func(what string, count, each int64) {
		if count > 0 && each > 0 {
			m.Memory = append(m.Memory, MemoryPart{what, count, each})
		}
	}
	add("VUs with a connection", max(vus, m.Connections), userMemory)
	add("TLS connections", secure, tlsMemory)
	add("HTTP/2 connections", multiplexed, http2Memory)
	add("data sets in memory", 1, dataMemory(l.sets))
	for _, part := range m.Memory {
		m.MemoryBytes += product(part.Count, part.Each)
	}
	return m
}

// known is a limit, nil if it is not known.
func known(limit int64) *int64 {
	if limit == 0 {
		return nil
	}
	return &limit
}

// kindsOf says whether a workflow has requests over TLS and over HTTP/2: 1 or 0.
func (l *Loaded) kindsOf(w *hyperscale.Workflow) (secure, multiplexed int64) {
	for origin := range originsOf(l.Plan, w) {
		if len(origin) > 8 && origin[:8] == "https://" {
			secure = 1
		}
	}
	eachRequest(w.Steps, func(s *hyperscale.Step) {
		if s.Request.Transport.HTTP == 2 {
			multiplexed = 1
		}
	})
	return secure, multiplexed
}

// dataMemory is about how much memory data sets take.
func dataMemory(sets []*data.Set) (sum int64) {
	for _, s := range sets {
		sum += s.Memory()
	}
	return sum
}

// busiest is the indexes of the workflows that run at the time at which they
// need the most connections together. Of two of which one starts after the other
// only one runs at a time.
func busiest(p *hyperscale.Plan, needs []Need, spans []Span) (best []int) {
	order := make([]int, len(needs)) // those that need most first
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(needs[j].Connections, needs[i].Connections) })
	before := predecessors(p)
	most := int64(-1)
	for i := range needs {
		running, sum := []int{i}, needs[i].Connections
		start := startOf(spans, needs[i].Workflow)
		for _, j := range order {
			apart := func(k int) bool { return k == j || before[k][j] || before[j][k] }
			if other := spanOf(spans, needs[j].Workflow); (other == nil || other.covers(start)) && !slices.ContainsFunc(running, apart) {
				running = append(running, j)
				sum += needs[j].Connections
			}
		}
		if sum > most {
			best, most = running, sum
		}
	}
	return best
}

// startOf is when a workflow starts; 0 if that is not known.
func startOf(spans []Span, workflow string) hyperscale.JobTime {
	if s := spanOf(spans, workflow); s != nil {
		return s.Start
	}
	return 0
}

// covers reports whether the workflow may run at t.
func (s *Span) covers(t hyperscale.JobTime) bool { return s.Start <= t && (t < s.LatestEnd || s.Open) }

// predecessors says of each workflow which others must have ended before it
// starts, directly or through others.
func predecessors(p *hyperscale.Plan) []map[int]bool {
	place := map[string]int{}
	for i := range p.Workflows {
		place[p.Workflows[i].Name] = i
	}
	all := make([]map[int]bool, len(p.Workflows))
	var of func(i int) map[int]bool
	of = func(i int) map[int]bool {
		if all[i] == nil {
			all[i] = map[int]bool{}
			for _, d := range p.Workflows[i].After {
				all[i][place[d.Workflow]] = true
				maps.Copy(all[i], of(place[d.Workflow]))
			}
		}
		return all[i]
	}
	for i := range all {
		of(i)
	}
	return all
}
