package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"hyperscale"
	"hyperscale/internal/stats"
)

// Outputs are the outputs of one run, each written by a goroutine of its own,
// so that a slow one delays neither the run nor the others. They end with
// Finish or Discard.
type Outputs struct {
	all    []*running // those that have not ended
	opened []*running // never changes once the run goes on
}

// running is one output with what it writes to.
type running struct {
	spec    Spec
	target  target
	buffer  *bufio.Writer
	written int64 // bytes that reached the target
	whole   int64 // … when the last window was written
	warn    func(error)
	out     Output
	windows chan *stats.Window // closed when no more come
	done    sync.WaitGroup
	err     error // the first; owned by the goroutine until done
	lagging bool  // owned by the caller of Window
}

// target is where an output's bytes go.
type target interface {
	io.Writer
	commit() error // all was written: make it seen
	// keep makes the first bytes seen, up to whole, where nobody takes them for
	// all. It gives the path; "": there is nothing to keep.
	keep(whole int64) string
	discard() // none of it is wanted
}

// behind is how many windows an output may be behind the run.
const behind = 1024

// Open opens every output before the run begins, so that what cannot be written
// is known at once. On error none is left open.
func Open(specs []Spec, stdout io.Writer, plan *hyperscale.Plan) (*Outputs, error) {
	o := new(Outputs)
	for _, spec := range specs {
		target, err := openTarget(spec.Path, stdout)
		if err != nil {
			o.Discard()
			return nil, fmt.Errorf("output %s: %w", spec.Format.Name, err)
		}
		r := &running{spec: spec, target: target, windows: make(chan *stats.Window, behind), warn: func(error) {}}
		r.buffer = bufio.NewWriter(r)
		r.out = spec.Format.New(r.buffer, plan)
		r.done.Go(r.write)
		o.all = append(o.all, r)
	}
	o.opened = o.all
	return o, nil
}

func openTarget(path string, stdout io.Writer) (target, error) {
	if path == "-" {
		return stream{stdout}, nil
	}
	return create(path)
}

// OnFailure sets what is called, once for each output, as soon as one cannot be
// written. It is called before the first window; f from other goroutines.
func (o *Outputs) OnFailure(f func(error)) {
	for _, r := range o.all {
		r.warn = f
	}
}

// Write passes on what the buffer gives, and counts it.
func (r *running) Write(b []byte) (int, error) {
	n, err := r.target.Write(b)
	r.written += int64(n)
	return n, err
}

// Window hands a window to every output; it does not wait for them.
func (o *Outputs) Window(w *stats.Window) {
	for _, r := range o.all {
		if r.lagging {
			continue
		}
		select {
		case r.windows <- w:
		default:
			r.lagging = true
		}
	}
}

// write is the output's goroutine. After an error it only empties the queue.
func (r *running) write() {
	for w := range r.windows {
		if r.err != nil {
			continue
		}
		if r.err = r.out.Window(w); r.err == nil {
			r.err = r.buffer.Flush()
		}
		if r.err != nil {
			r.warn(fmt.Errorf("output %s: %w", r.spec.Format.Name, r.err))
			continue
		}
		r.whole = r.written
	}
}

// Finish writes what is left and makes the files seen. Summarise is asked for
// the summary: whether an output failed already decides on its exit code. The
// error names every output that could not be written.
func (o *Outputs) Finish(r *stats.Result, summarise func(failed bool) *Summary) error {
	var failed []error
	for _, summaries := range []bool{false, true} {
		for _, out := range o.all {
			if out.spec.Format.Summary != summaries {
				continue
			}
			if err := out.finish(r, summarise(len(failed) > 0)); err != nil {
				failed = append(failed, fmt.Errorf("output %s: %w", out.spec.Format.Name, err))
			}
		}
	}
	o.all = nil
	return errors.Join(failed...)
}

func (r *running) finish(result *stats.Result, s *Summary) error {
	close(r.windows)
	r.done.Wait()
	if r.err == nil && r.lagging {
		r.err = fmt.Errorf("it was %d windows behind the run", behind)
	}
	if r.err == nil {
		r.err = r.out.Finish(s, result)
	}
	if r.err == nil {
		r.err = r.buffer.Flush()
	}
	if r.err != nil {
		return r.giveUp()
	}
	return r.target.commit()
}

// giveUp keeps the windows that were written. Of one document, half is of no
// use.
func (r *running) giveUp() error {
	if !r.spec.Format.Summary {
		if path := r.target.keep(r.whole); path != "" {
			return fmt.Errorf("%w; what was written before is in %s", r.err, path)
		}
	}
	r.target.discard()
	return r.err
}

// Discard gives the outputs up: no file is made or changed.
func (o *Outputs) Discard() {
	for _, r := range o.all {
		close(r.windows)
		r.done.Wait()
		r.target.discard()
	}
	o.all = nil
}

// Abandon takes the files beside the outputs' paths away and leaves everything
// else as it is: the process is about to end. It may be called at any time.
func (o *Outputs) Abandon() {
	for _, r := range o.opened {
		if f, ok := r.target.(*file); ok && f.path != "" {
			f.remove()
		}
	}
}

// stream is standard output: what was written is written.
type stream struct{ io.Writer }

func (stream) commit() error     { return nil }
func (stream) keep(int64) string { return "" }
func (stream) discard()          {}
