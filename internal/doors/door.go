package doors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"hyperscale"
	"hyperscale/internal/link"
	"hyperscale/internal/mailbox"
	"hyperscale/internal/rpc"
)

// door is the way to the parent at one address: it connects, and connects again,
// until it is not wanted any more. A connection is there from the parent's first
// word, which says who it is, until it breaks or the parent falls silent.
type door struct {
	*Doors
	address string
	close   context.CancelFunc
	again   chan struct{} // the parent has no other link any more

	last string // why the last connection ended, so that it is logged once
}

// errTwice: the parent is linked already, at another of its addresses.
var errTwice = errors.New("linked already")

// errLeave: this node leaves.
var errLeave = errors.New("this node leaves")

// run keeps connecting until ctx ends or the node leaves.
func (d *door) run(ctx context.Context) {
	var backoff rpc.Backoff
	for {
		heard, err := d.visit(ctx)
		if ctx.Err() != nil || errors.Is(err, errLeave) {
			return
		}
		if heard {
			backoff.Reset()
		}
		wait := time.NewTimer(backoff.Next(rand.Float64()))
		elapsed := wait.C
		if errors.Is(err, errTwice) {
			elapsed = nil // only once the other link is gone
		} else {
			d.tell(err)
		}
		select {
		case <-elapsed:
		case <-d.again:
		case <-ctx.Done():
		case <-d.leaving:
		}
		wait.Stop()
		select {
		case <-d.leaving:
			return
		case <-ctx.Done():
			return
		default:
		}
	}
}

// tell logs why a connection ended or did not come about, when that is new.
func (d *door) tell(err error) {
	if err.Error() == d.last {
		return
	}
	d.last = err.Error()
	d.cfg.Log.Warn("no link to the "+d.cfg.Kind, "address", d.address, "reason", err)
}

// visit is one connection, from the attempt to its end. Heard says that the
// parent spoke over it.
func (d *door) visit(ctx context.Context) (heard bool, err error) {
	conn, err := rpc.Dial(d.address, d.cfg.Dialing)
	if err != nil {
		return false, err
	}
	v := &visit{door: d, conn: conn, pipe: &pipe{mailbox.New[link.Up](), mailbox.New[link.Delivery]()}}
	v.downs, v.ended = make(chan link.Down), make(chan error, 4)
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		_ = conn.Close() // there is nothing more to say on it
		v.running.Wait()
	}()
	if err := v.attach(ctx); err != nil {
		return false, err
	}
	word, before, err := v.greet(ctx)
	if err != nil {
		return word != nil, err
	}
	d.last = ""
	d.cfg.Log.Info("linked", d.cfg.Kind, word.Node, "address", d.address, "boot", uint64(word.Boot))
	defer d.parted(d, v.pipe, word.Node)
	for _, down := range before {
		v.hear(down)
	}
	if err := v.deliver(ctx); err != nil {
		return true, err
	}
	return true, v.listen(ctx)
}

// visit is the state of one connection.
type visit struct {
	*door
	conn    *rpc.Conn
	pipe    *pipe
	parent  hyperscale.NodeID
	call    rpc.Call[link.Down, link.Up]
	windows rpc.Call[link.Receipt, link.Delivery]
	downs   chan link.Down
	ended   chan error // why a stream ended; with room for all of them
	running sync.WaitGroup
}

// attach opens the stream of beats and hears it.
func (v *visit) attach(ctx context.Context) (err error) {
	if v.call, err = v.conn.Attach(ctx); err != nil {
		return err
	}
	v.running.Go(func() { v.ended <- v.receive(ctx) })
	return nil
}

// receive hands on what comes on the stream of beats until it ends.
func (v *visit) receive(ctx context.Context) error {
	for {
		down, err := v.call.Recv()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the %s hung up", v.cfg.Kind)
		}
		if err != nil {
			return err
		}
		select {
		case v.downs <- down:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// greet waits for the parent's first word, and takes the connection if there is no
// other to it. What came until then is given with the word.
func (v *visit) greet(ctx context.Context) (*link.Word, []link.Down, error) {
	patience := time.NewTimer(firstWord)
	defer patience.Stop()
	var before []link.Down
	for {
		select {
		case down := <-v.downs:
			before = append(before, down)
			word, ok := down.(link.Word)
			if reached, _ := v.conn.Reached(); !ok || word.Node != reached.Node {
				continue // it passes on what another one says
			}
			if !v.greeted(v.door, v.pipe, word) {
				return &word, nil, errTwice
			}
			v.parent = word.Node
			return &word, before, nil
		case err := <-v.ended:
			return nil, nil, err
		case <-patience.C:
			return nil, nil, fmt.Errorf("it said nothing for %v", firstWord)
		case <-v.leaving:
			return nil, nil, errLeave
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// hear passes on what the parent says.
func (v *visit) hear(down link.Down) { v.said(v.pipe, v.parent, down) }

// deliver opens the stream of windows, and begins to say what there is to say.
func (v *visit) deliver(ctx context.Context) (err error) {
	if v.windows, err = v.conn.Deliver(ctx); err != nil {
		return err
	}
	v.running.Go(func() {
		for {
			receipt, err := v.windows.Recv()
			if err != nil {
				v.ended <- fmt.Errorf("delivering: %w", err)
				return
			}
			v.hear(receipt)
		}
	})
	v.running.Go(func() { v.ended <- send(ctx, v.leaving, v.pipe.attach, newest, v.call) })
	v.running.Go(func() { v.ended <- send(ctx, v.leaving, v.pipe.deliver, all, v.windows) })
	return nil
}

// all sends everything.
func all(items []link.Delivery) []link.Delivery { return items }

// newest leaves out the statements that another one follows: each says all.
func newest(items []link.Up) []link.Up {
	var kept []link.Up
	for i, up := range items {
		if _, is := up.(link.Statement); !is || !statementIn(items[i+1:]) {
			kept = append(kept, up)
		}
	}
	return kept
}

func statementIn(items []link.Up) bool {
	for _, up := range items {
		if _, is := up.(link.Statement); is {
			return true
		}
	}
	return false
}

// send says what is put into a mailbox until ctx ends. When the node leaves it
// says what is there, and that this was all.
func send[In, Out any](ctx context.Context, leaving <-chan struct{}, box *mailbox.Mailbox[Out], choose func([]Out) []Out, call rpc.Call[In, Out]) error {
	for last := false; ; {
		for _, item := range choose(box.Take()) {
			if err := call.Send(item); err != nil {
				return err
			}
		}
		if last {
			_ = call.CloseSend() // or it has ended anyway
			return errLeave
		}
		select {
		case <-box.Bell():
		case <-leaving:
			last = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// goodbye is how long a parent has to hear the last of what is said.
const goodbye = 300 * time.Millisecond

// listen hears the parent until the connection ends, or it is not heard any more.
func (v *visit) listen(ctx context.Context) error {
	look := time.NewTicker(lookEach)
	defer look.Stop()
	p := pulse{heard: v.now(), looked: v.now()}
	for {
		select {
		case down := <-v.downs:
			p.heard = v.now()
			v.hear(down)
		case err := <-v.ended:
			if errors.Is(err, errLeave) {
				v.part(ctx)
			}
			return err
		case <-look.C:
			if now := v.now(); p.look(now) {
				return fmt.Errorf("nothing was heard for %v", (now - p.heard).Round(100*time.Millisecond))
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// part waits until the parent has heard all, which it says by ending its streams,
// or for a while.
func (v *visit) part(ctx context.Context) {
	patience := time.NewTimer(goodbye)
	defer patience.Stop()
	for left := 3; left > 0; { // both ways of two streams, less the one that has ended
		select {
		case <-v.downs:
		case why := <-v.ended:
			_ = why // however it ended, that is one less
			left--
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
