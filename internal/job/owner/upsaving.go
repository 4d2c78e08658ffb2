package owner

import (
	"encoding/json"
	"fmt"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/outbox"
	"hyperscale/internal/stats"
)

// upChange is what was decided of windows for the parent as a save was made. What
// is in them follows from the joints of this save and those before.
type upChange struct {
	Cut   bool // what was open was cut
	Flows []upNews
}

// upNews is that of one part.
type upNews struct {
	Workflow string
	Part     hyperscale.Share
	Group    uint64       `json:",omitzero"`
	Acked    uint64       // everything up to here was acknowledged
	Last     *link.Ending `json:",omitempty"` // the last window was cut
	Firsts   []uint64     `json:",omitempty"` // windows not frozen were merged, and these are left
	Frozen   uint64       // everything up to here is released with this save
	Gone     bool         `json:",omitempty"`
	Broken   broken       `json:",omitzero"`
}

// apply does again what was done as a save was made.
func (u *upward) apply(c upChange) error {
	for _, n := range c.Flows {
		f := u.given(n.Workflow, n.Part)
		f.gone = f.gone && n.Gone // what was dropped before it began may have been given again
		f.box.Acknowledge(n.Acked, 0)
		f.broken, f.group = n.Broken, n.Group
		f.drop(n.Gone)
	}
	if c.Cut {
		u.cut()
	}
	for _, n := range c.Flows {
		f := u.flow(n.Workflow, n.Part)
		if n.Last != nil {
			f.last(*n.Last)
		}
		if n.Firsts != nil && !f.box.Refit(n.Firsts) {
			return fmt.Errorf("windows of %s for the parent can't be merged as they were", n.Workflow)
		}
		if last := f.box.Freeze(f.box.UpTo(n.Frozen)); last != n.Frozen {
			return fmt.Errorf("windows of %s for the parent up to %d were released, there are %d", n.Workflow, n.Frozen, last)
		}
		f.frozen, f.released, f.news = n.Frozen, n.Frozen, upNews{}
	}
	return nil
}

// upState is all that is kept for the parent.
type upState struct {
	Open  [][]byte
	Flows []upFlowState
}

// upFlowState is that of one part.
type upFlowState struct {
	Workflow string
	Group    uint64       `json:",omitzero"`
	Stream   []byte       // whose share is the part
	Ending   *link.Ending `json:",omitempty"`
	Acked    uint64
	Frozen   uint64
	Over     bool
	Gone     bool
	Broken   broken `json:",omitzero"`
	Windows  []upWindow
}

// upWindow is a window that is kept.
type upWindow struct {
	Window []byte
	Ending *link.Ending `json:",omitempty"`
}

// state is all that is kept.
func (u *upward) state() upState {
	var st upState
	for _, w := range u.open.Cut() {
		st.Open = append(st.Open, w.AppendBinary(nil))
		u.open.Add(w, w.ID.Share)
	}
	for _, f := range u.flows {
		s := upFlowState{
			Workflow: f.workflow, Group: f.group, Stream: f.stream.AppendBinary(nil), Ending: f.ending, Acked: f.box.Acked(), Frozen: f.frozen, Over: f.over, Gone: f.gone, Broken: f.broken,
		}
		list, _ := f.box.Windows()
		for _, w := range list {
			s.Windows = append(s.Windows, upWindow{w.Bytes, w.Ending})
		}
		st.Flows = append(st.Flows, s)
	}
	return st
}

// read takes over what was kept.
func (u *upward) read(part []byte) error {
	var st upState
	if err := json.Unmarshal(part, &st); err != nil {
		return err
	}
	for _, b := range st.Open {
		w, err := stats.DecodeJoint(b)
		if err != nil {
			return err
		}
		u.open.Add(w, w.ID.Share)
	}
	for _, s := range st.Flows {
		stream, err := stats.DecodeStream(s.Stream)
		if err != nil {
			return err
		}
		f := u.given(s.Workflow, stream.Share())
		f.stream = stream
		if err := f.read(s); err != nil {
			return err
		}
	}
	return nil
}

// read takes over what was kept of one part, beside its stream.
func (f *upflow) read(s upFlowState) error {
	list := make([]outbox.Window, len(s.Windows))
	for i, kept := range s.Windows {
		w, err := stats.DecodeWindow(kept.Window)
		if err != nil {
			return err
		}
		list[i] = outbox.Pack(w, kept.Ending)
	}
	f.box = outbox.Restore(s.Acked, 0, list)
	f.box.Freeze(f.box.UpTo(s.Frozen))
	f.frozen, f.released, f.over, f.gone, f.ending = s.Frozen, s.Frozen, s.Over, s.Gone, s.Ending
	f.broken, f.group = s.Broken, s.Group
	return nil
}
