package scan

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// What is written is read, and nothing is read from less.
func TestReaderTakesWhatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, part := rapid.Uint64().Draw(t, "number"), rapid.SliceOf(rapid.Byte()).Draw(t, "part")
		b := binary.AppendUvarint(nil, n)
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
		r := New(b)
		if got := r.Uint(); got != n {
			t.Errorf("%d in place of %d", got, n)
		}
		if got := r.Bytes(); !bytes.Equal(got, part) || r.End() != nil {
			t.Errorf("%v in place of %v; %v", got, part, r.Err())
		}
		short := New(b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")])
		short.Uint()
		short.Bytes()
		if short.Err() == nil || short.Uint() != 0 || len(short.Rest()) != 0 {
			t.Error("bytes that were cut short are taken for whole")
		}
	})
}

func TestOneFormOfEachNumber(t *testing.T) {
	r := New([]byte{0x80, 0x00})
	if r.Uint(); r.Err() == nil {
		t.Error("a number written longer than it need be is read")
	}
	r = New([]byte{1, 2})
	if r.Uint(); r.End() == nil {
		t.Error("bytes left over are no fault")
	}
}
