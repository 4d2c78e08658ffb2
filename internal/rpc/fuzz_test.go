package rpc

import (
	"bytes"
	"testing"

	pb "hyperscale/internal/rpc/hyperscalev1"
)

// FuzzMessages reads any bytes as every kind of message. What is read can be
// written, and is then read the same.
func FuzzMessages(f *testing.F) {
	all := catalogue()
	for i, e := range all {
		encoded, err := e.encode(e.sample)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), encoded)
	}
	f.Add(uint8(0), []byte{0xff})
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		e := all[int(which)%len(all)]
		value, err := e.decode(data)
		if err != nil {
			return
		}
		once, err := e.encode(value)
		if err != nil {
			t.Fatalf("%s was read and can't be written: %v\n%+v", e.name, err, value)
		}
		again, err := e.decode(once)
		if err != nil {
			t.Fatalf("%s was written and can't be read: %v", e.name, err)
		}
		twice, err := e.encode(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s changes when it is read and written: %v\n%x\n%x", e.name, err, once, twice)
		}
	})
}

// FuzzPieces feeds any pieces to an assembly: it never holds more than it may,
// and gives a whole of just the size that was announced.
func FuzzPieces(f *testing.F) {
	f.Add([]byte("a whole"), uint64(7), true, []byte("more"), uint64(11), false)
	f.Add([]byte{}, uint64(0), true, []byte{1}, uint64(1<<63), true)
	f.Fuzz(func(t *testing.T, a []byte, totalA uint64, lastA bool, b []byte, totalB uint64, lastB bool) {
		room := newRoom(64)
		parts := assembly{room: room}
		for _, p := range []*pb.Piece{{Data: a, Total: totalA, Last: lastA}, {Data: b, Total: totalB, Last: lastB}} {
			whole, err := parts.add(p)
			if err == nil && whole != nil && uint64(len(whole)) != p.Total {
				t.Fatalf("a whole of %d bytes, announced were %d", len(whole), p.Total)
			}
			if left := room.left.Load(); left < 0 || left != 64-int64(len(parts.data)) {
				t.Fatalf("%d bytes left of 64 while %d are held", left, len(parts.data))
			}
		}
		parts.drop()
		if room.left.Load() != 64 {
			t.Fatal("room was not given back")
		}
	})
}

// FuzzErrors reads any status details as an error and back.
func FuzzErrors(f *testing.F) {
	for _, e := range errorSamples() {
		if s, ok := statusBytes(e); ok {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := statusFrom(data)
		if err != nil {
			return
		}
		if back := fromStatus(s); back != nil {
			_ = back.Error()
			if fromStatus(toStatus(back)) == nil {
				t.Fatal("an error got lost")
			}
		}
	})
}
