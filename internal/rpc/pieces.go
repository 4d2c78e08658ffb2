package rpc

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	pb "hyperscale/internal/rpc/hyperscalev1"
)

// kind is how one sort of value travels on a stream: as a message, or in pieces
// that are messages of the same type.
type kind[T any, P proto.Message] struct {
	wire  func(T) (P, error)
	read  func(P) (T, error)
	fresh func() P
	piece func(P) *pb.Piece // nil: the message is no piece
	cut   func(*pb.Piece) P // nil: never goes in pieces
}

// sender sends values, large ones in pieces. It is safe for concurrent use.
type sender[T any, P proto.Message] struct {
	kind kind[T, P]
	raw  interface{ SendMsg(any) error }

	bulk sync.Mutex // held by whoever sends pieces
	one  sync.Mutex // held for one message
}

func (s *sender[T, P]) Send(value T) error {
	m, err := s.kind.wire(value)
	if err != nil {
		return err
	}
	if proto.Size(m) <= MaxChunk || s.kind.cut == nil {
		if err := checkMessage(m); err != nil {
			return err
		}
		return s.send(m)
	}
	if err := checkWhole(m, proto.Size(m)); err != nil {
		return err
	}
	whole, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("writing a %s: %w", nameOf(m), err)
	}
	s.bulk.Lock()
	defer s.bulk.Unlock()
	for at := 0; at < len(whole); at += MaxChunk {
		end := min(at+MaxChunk, len(whole))
		p := &pb.Piece{Data: whole[at:end], Last: end == len(whole), Total: uint64(len(whole))}
		if err := s.send(s.kind.cut(p)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender[T, P]) send(m P) error {
	s.one.Lock()
	defer s.one.Unlock()
	return ended(s.raw.SendMsg(m))
}

// receiver receives values and puts together what comes in pieces. It belongs to
// one goroutine.
type receiver[T any, P proto.Message] struct {
	kind  kind[T, P]
	raw   interface{ RecvMsg(any) error }
	whole assembly
}

func (r *receiver[T, P]) Recv() (T, error) {
	var none T
	for {
		m := r.kind.fresh()
		if err := r.raw.RecvMsg(m); err != nil {
			r.whole.drop()
			return none, ended(err)
		}
		p := r.kind.piece(m)
		if p == nil {
			if err := checkMessage(m); err != nil {
				return none, err
			}
			return r.kind.read(m)
		}
		data, err := r.whole.add(p)
		if err != nil {
			return none, err
		}
		if data == nil {
			continue
		}
		return r.unpack(data)
	}
}

func (r *receiver[T, P]) unpack(data []byte) (T, error) {
	var none T
	m := r.kind.fresh()
	if err := proto.Unmarshal(data, m); err != nil {
		return none, Errorf(Invalid, "the pieces make no %s: %v", nameOf(m), err)
	}
	if r.kind.piece(m) != nil {
		return none, Errorf(Invalid, "the pieces make another piece")
	}
	return r.kind.read(m)
}

// ended turns what gRPC says at a stream's end into our errors.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fromStatus(err)
}

// room bounds the bytes that all assemblies of a server hold together. A nil
// room has no bound.
type room struct{ left atomic.Int64 }

func newRoom(bytes int64) *room {
	r := &room{}
	r.left.Store(bytes)
	return r
}

// take reserves bytes and reports whether there were so many.
func (r *room) take(n int) bool {
	if r == nil || r.left.Add(-int64(n)) >= 0 {
		return true
	}
	r.left.Add(int64(n))
	return false
}

func (r *room) give(n int) {
	if r != nil {
		r.left.Add(int64(n))
	}
}

// assembly puts the pieces of one message together. It is safe for concurrent
// use: a handler may return while its reader is still at work.
type assembly struct {
	room *room

	mu    sync.Mutex
	data  []byte
	total uint64
}

// add takes the next piece and gives the whole once it is there. After an error
// nothing is kept.
func (a *assembly) add(p *pb.Piece) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.check(p); err != nil {
		a.empty()
		return nil, err
	}
	if !a.room.take(len(p.Data)) {
		a.empty()
		return nil, Errorf(Overloaded, "too many large messages are under way to this node")
	}
	a.total = p.Total
	a.data = append(a.data, p.Data...)
	if !p.Last {
		return nil, nil
	}
	whole := a.data
	a.empty()
	return whole, nil
}

func (a *assembly) check(p *pb.Piece) error {
	have := uint64(len(a.data) + len(p.Data))
	switch {
	case p.Total > MaxWhole+overhead:
		return tooLarge("a message in pieces", "", int64(min(p.Total, 1<<62)), MaxWhole+overhead, remedyPlan)
	case a.data != nil && p.Total != a.total:
		return Errorf(Invalid, "a piece says that the whole has %d bytes, the one before said %d", p.Total, a.total)
	case len(p.Data) == 0 || len(p.Data) > MaxChunk:
		return Errorf(Invalid, "a piece has %d bytes; 1 to %d are wanted", len(p.Data), MaxChunk)
	case have > p.Total || p.Last != (have == p.Total):
		return Errorf(Invalid, "the pieces have %d bytes, the whole should have %d", have, p.Total)
	}
	return nil
}

// drop forgets what was gathered, and gives its room back.
func (a *assembly) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.empty()
}

func (a *assembly) empty() {
	a.room.give(len(a.data))
	a.data, a.total = nil, 0
}
