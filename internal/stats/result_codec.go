package stats

import (
	"encoding/json"
	"fmt"

	"hyperscale"
)

// writtenResult is a result as it is written down, but for its tally.
type writtenResult struct {
	Result
	Datacenters []writtenDatacenter `json:",omitempty"`
}

// writtenDatacenter is what one datacenter did, as it is written down.
type writtenDatacenter struct {
	DatacenterResult
	Totals []byte // of its tally
}

// AppendBinary appends the result, but not its plan, to b: all that a report is
// made from. Of the tally the turns are left out. It fails only if a figure is
// one that JSON can't hold.
func (r *Result) AppendBinary(b []byte) ([]byte, error) {
	plain := writtenResult{Result: *r}
	plain.Plan, plain.Tally = nil, nil
	for _, d := range r.Datacenters {
		plain.Datacenters = append(plain.Datacenters, writtenDatacenter{d, d.Tally.AppendBinary(nil)})
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	b = append(b, windowFormat)
	b = append(appendUints(b, uint64(len(text))), text...)
	t := r.Tally
	if t == nil {
		t = NewTally()
	}
	return t.marks.append(t.append(b), nil, t.marks.flows()), nil
}

// DecodeResult reads what AppendBinary wrote of a run of the plan, all of b: what
// is not that is an error, and memory is bounded.
func DecodeResult(plan *hyperscale.Plan, b []byte) (*Result, error) {
	r, err := decode("result", b, maxStateBytes, maxStateOctaves)
	if err != nil {
		return nil, err
	}
	n := r.length(len(b))
	text := r.b[r.at : r.at+n]
	r.at += n
	res := new(Result)
	if r.err == nil {
		if err := res.read(text, r); err != nil {
			r.fail("%v", err)
		}
	}
	res.Plan, res.Tally = plan, NewTally()
	if v := r.uint(); v != windowFormat {
		r.fail("format %d of a tally", v)
	}
	res.Tally.read(r)
	if err := r.end("result"); err != nil {
		return nil, err
	}
	return res, nil
}

// read takes over all of a written result but its tally.
func (r *Result) read(text []byte, whole *reader) error {
	var plain writtenResult
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	*r = plain.Result
	r.Verdict.check(whole)
	for _, d := range plain.Datacenters {
		part := &reader{b: d.Totals, octaves: whole.octaves} // all of them together have so much memory
		d.Tally = readTotals(part)
		if err := part.end("datacenter " + d.Name); err != nil {
			return err
		}
		whole.octaves = part.octaves
		d.Verdict.check(whole)
		r.Datacenters = append(r.Datacenters, d.DatacenterResult)
	}
	return nil
}

// check refuses states that there are not.
func (v *Verdict) check(r *reader) {
	states := []VerdictState{v.State}
	for _, c := range v.Causes {
		states = append(states, c.State)
	}
	for _, s := range states {
		if s < Valid || s > Invalid {
			r.fail("verdict %d", int(s))
		}
	}
}
