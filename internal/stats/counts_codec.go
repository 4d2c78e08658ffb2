package stats

// places are the slots' counts in the order in which they are encoded.
func (s *Slots) places() []*uint64 {
	return []*uint64{&s.Due, &s.Missed, &s.Refused, &s.Started, &s.Completed, &s.Failed, &s.Interrupted, &s.Lost}
}

// append appends the slots to b.
func (s *Slots) append(b []byte) []byte {
	for _, p := range s.places() {
		b = appendUints(b, *p)
	}
	return appendInts(b, s.VUTime)
}

// slots takes slots.
func (r *reader) slots(s *Slots) {
	r.uints(s.places()...)
	s.VUTime = r.duration()
}

// places are the requests' counts in the order in which they are encoded.
func (q *Requests) places() []*uint64 {
	return []*uint64{&q.Started, &q.OK, &q.Failed, &q.TimedOut, &q.Cancelled, &q.Lost,
		&q.Skipped, &q.Faulted, &q.BytesIn, &q.BytesOut}
}

// append appends the requests to b.
func (q *Requests) append(b []byte) []byte {
	for _, p := range q.places() {
		b = appendUints(b, *p)
	}
	return b
}

// requests takes requests.
func (r *reader) requests(q *Requests) { r.uints(q.places()...) }

// append appends the readings to b: one zero byte when there are none.
func (g *Readings) append(b []byte) []byte {
	some := *g != (Readings{})
	if b = appendBool(b, some); !some {
		return b
	}
	b = appendText(b, g.Node)
	b = appendUints(b, uint64(g.Lanes))
	b = appendInts(b, g.Watched, g.Saturated, g.CPU, g.GCPause, g.RunDelay, g.ClockStep)
	return appendUints(b, g.GCs, g.RSS, g.Descriptors, g.DescriptorCap, g.Ports, g.PortCap)
}

// readings takes readings.
func (r *reader) readings(g *Readings) {
	if !r.bool() {
		return
	}
	g.Node = r.text()
	g.Lanes = int(r.uint() & (1<<31 - 1))
	g.Watched, g.Saturated, g.CPU = r.duration(), r.duration(), r.duration()
	g.GCPause, g.RunDelay, g.ClockStep = r.duration(), r.duration(), r.duration()
	r.uints(&g.GCs, &g.RSS, &g.Descriptors, &g.DescriptorCap, &g.Ports, &g.PortCap)
}
