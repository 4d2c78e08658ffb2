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

// read takes slots.
func (s *Slots) read(r *reader) {
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

// read takes requests.
func (r *Requests) read(from *reader) { from.uints(r.places()...) }

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

// read takes readings.
func (r *Readings) read(from *reader) {
	if !from.bool() {
		return
	}
	r.Node = from.text()
	r.Lanes = int(from.uint() & (1<<31 - 1))
	r.Watched, r.Saturated, r.CPU = from.duration(), from.duration(), from.duration()
	r.GCPause, r.RunDelay, r.ClockStep = from.duration(), from.duration(), from.duration()
	from.uints(&r.GCs, &r.RSS, &r.Descriptors, &r.DescriptorCap, &r.Ports, &r.PortCap)
}
