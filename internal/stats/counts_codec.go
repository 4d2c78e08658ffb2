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
func (r *Requests) places() []*uint64 {
	return []*uint64{&r.Started, &r.OK, &r.Failed, &r.TimedOut, &r.Cancelled, &r.Lost,
		&r.Skipped, &r.Faulted, &r.BytesIn, &r.BytesOut}
}

// append appends the requests to b.
func (r *Requests) append(b []byte) []byte {
	for _, p := range r.places() {
		b = appendUints(b, *p)
	}
	return b
}

// requests takes requests.
func (r *reader) requests(q *Requests) { r.uints(q.places()...) }

// append appends the readings to b: one zero byte when there are none.
func (r *Readings) append(b []byte) []byte {
	some := *r != (Readings{})
	if b = appendBool(b, some); !some {
		return b
	}
	b = appendText(b, r.Node)
	b = appendUints(b, uint64(r.Lanes))
	b = appendInts(b, r.Watched, r.Saturated, r.CPU, r.GCPause, r.RunDelay, r.ClockStep)
	return appendUints(b, r.GCs, r.RSS, r.Descriptors, r.DescriptorCap, r.Ports, r.PortCap)
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
