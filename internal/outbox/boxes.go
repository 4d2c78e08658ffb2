package outbox

// Boxes are those of all turns of one sender.
type Boxes []*Box

// Bytes are those of all windows kept.
func (list Boxes) Bytes() int {
	n := 0
	for _, b := range list {
		n += b.Bytes()
	}
	return n
}

// Squeeze joins windows that are not frozen while all together have more bytes than
// so many, first those of the turn that has most. Nothing is ever thrown away.
func (list Boxes) Squeeze(bytes int) {
	total := list.Bytes()
	tried := map[*Box]bool{}
	for total > bytes {
		var most *Box
		for _, b := range list {
			if !tried[b] && (most == nil || b.Idle() > most.Idle()) {
				most = b
			}
		}
		if most == nil {
			return
		}
		before := most.Bytes()
		tried[most] = !most.Halve()
		total -= before - most.Bytes()
	}
}

// Room is how many bytes may yet be sent over a link; below zero: one window,
// however many it has, for nothing is under way.
func (list Boxes) Room(link uint64) int {
	flying := 0
	for _, b := range list {
		if b.Goes(link) {
			flying += b.Flying()
		}
	}
	if flying == 0 {
		return -1
	}
	return max(MaxFlying-flying, 0)
}
