package process

import (
	"encoding/binary"
	"fmt"
	"io"
)

// version is that of the frames. Both ends are of one binary as a rule, but that
// may have been replaced between two starts.
const version = 1

// kind tells messages apart.
type kind byte

// What an engine is told, and what it tells.
const (
	sayBrief kind = iota + 1
	sayStart
	sayStop
	sayCut
	sayBeat
	sayGrant
	sayAdjust
)
const (
	tellPrepared kind = iota + 65
	tellRefused
	tellWindow
	tellBeat
	tellAborted
	tellEnded
)

// maxBody bounds what one message holds: a brief or a window, and some room.
const maxBody = 17 << 20

// headSize is that of a frame without its body: four bytes with the size of what
// follows them, version and kind.
const headSize = 6

// appendFrame appends a frame.
func appendFrame(b []byte, k kind, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)+2))
	b = append(b, version, byte(k))
	return append(b, body...)
}

// readFrame reads the next frame. At the end between two frames it is io.EOF.
func readFrame(r io.Reader) (kind, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 2 || size-2 > maxBody {
		return 0, nil, fmt.Errorf("a message of %d bytes", size)
	}
	if head[4] != version {
		return 0, nil, fmt.Errorf("a message of version %d, known is %d: the binary was replaced", head[4], version)
	}
	body := make([]byte, size-2)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, fmt.Errorf("a message was cut short: %w", err)
	}
	return kind(head[5]), body, nil
}
