package tier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"hyperscale"

	"hyperscale/internal/mailbox"
	"hyperscale/internal/rpc"
)

// outlet is the way out to one stream: whoever has something to say puts it in,
// and the stream's own goroutine sends it.
type outlet[T any] struct {
	conn uint64
	boot hyperscale.Boot // which start of the other side it leads to; 0: it did not say
	box  *mailbox.Mailbox[T]
	once sync.Once
	hung chan struct{} // closed: the stream is to end
	why  error
}

func newOutlet[T any](conn uint64, boot hyperscale.Boot) *outlet[T] {
	return &outlet[T]{conn: conn, boot: boot, box: mailbox.New[T](), hung: make(chan struct{})}
}

// hangUp ends the stream.
func (o *outlet[T]) hangUp(why error) {
	o.once.Do(func() { o.why = why; close(o.hung) })
}

// mostWaiting is how many messages may wait for a stream that does not take them,
// before it is given up.
const mostWaiting = 100_000

// converse sends what is put into the outlet and hands what comes to got, until
// the stream or ctx ends, the outlet is hung up or got fails. What it started ends
// with the stream, which the caller ends by returning; the lines wait for it.
func converse[In, Out any](ctx context.Context, stream rpc.Stream[In, Out], out *outlet[Out], l *lines, got func(In) error) error {
	ended := make(chan error, 1)
	err := l.read(func() {
		for {
			in, err := stream.Recv()
			if err == nil {
				err = contained(l.log, in, got)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	})
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return err
		case <-out.hung:
			return out.why
		case <-out.box.Bell():
		}
		items := out.box.Take()
		if len(items) > mostWaiting {
			return errors.New("it does not take what is said to it")
		}
		for _, item := range items {
			if err := stream.Send(item); err != nil {
				return err
			}
		}
	}
}

// contained hands something on; a panic over it ends the stream that it came on,
// and nothing else.
func contained[In any](log *slog.Logger, in In, got func(In) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(log, fmt.Sprintf("taking in a %T", in), r)
		}
	}()
	return got(in)
}
