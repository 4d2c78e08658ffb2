package owner

import (
	"encoding/binary"
	"fmt"

	"hyperscale/internal/stats"
)

// mostRecent is how many joints are kept for whoever owns the job next to show again.
const mostRecent = 32

// numbered are the joints that were counted, in order, from 1: for those who are to be
// shown each of them, and by the same number whoever owns the job. They follow from
// what is saved.
type numbered struct {
	count  uint64          // so many there were
	recent []*stats.Window // the last of them
}

// add takes in a joint that was counted.
func (n *numbered) add(w *stats.Window) {
	n.count++
	n.recent = append(n.recent, w)
	if len(n.recent) > 2*mostRecent { // a base has as many; what came since is read again anyway
		n.recent = append([]*stats.Window(nil), n.recent[mostRecent:]...)
	}
}

// append writes the number and the last joints down.
func (n *numbered) append(b []byte) []byte {
	b = binary.AppendUvarint(b, n.count)
	for _, w := range n.recent[max(len(n.recent)-mostRecent, 0):] {
		text := w.AppendBinary(nil)
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return b
}

// read takes in what was written down.
func (n *numbered) read(b []byte) error {
	count, k := binary.Uvarint(b)
	if k <= 0 {
		return errCut
	}
	b = b[k:]
	*n = numbered{count: count}
	for len(b) > 0 {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return errCut
		}
		w, err := stats.DecodeJoint(b[k : k+int(size)])
		if err != nil {
			return fmt.Errorf("a joint that is kept: %w", err)
		}
		n.recent, b = append(n.recent, w), b[k+int(size):]
	}
	if uint64(len(n.recent)) > count {
		return errCut
	}
	return nil
}

// Recent are the last joints that were counted, of those that [Show] gives with numbers,
// and the number of the first of them: who goes on with a job does not know which of
// them the owner before had shown. None: the job is not [Config.Numbered].
func (o *Owner) Recent() (first uint64, windows []*stats.Window) {
	return o.numbered.count - uint64(len(o.numbered.recent)) + 1, o.numbered.recent
}
