package own

import (
	"fmt"
	"hash/crc32"

	"hyperscale"
	"hyperscale/internal/store"
)

// Version numbers the commits of a job: it rises with each, and no two owners
// ever use the same. 0: none.
type Version uint64

// firstVersion is below every version of that epoch, and above all of the ones
// before.
func firstVersion(e hyperscale.Epoch) Version { return Version(e) << 32 }

// chunkSize is how records are cut for the store. Two chunks and all that comes
// with a commit fit into one request.
const chunkSize = 512 << 10

// manifest names what is committed. Whoever writes events writes it too, so its
// count of them is right; without one a job has event 1 and no records.
type manifest struct {
	Version Version `json:"version"`
	Meta    []byte  `json:"meta"`
	Pieces  []piece `json:"pieces"` // the last base and what was committed since
	Events  uint64  `json:"events"` // number of the last event
	rest    others
}

// piece is the records of one commit: one stream of bytes, cut into chunks.
type piece struct {
	Version Version `json:"version"`
	Lengths []int   `json:"lengths"` // of the records, in order
	Sum     uint32  `json:"sum"`     // CRC-32C of the stream
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// newPiece makes a piece of records, and its stream.
func newPiece(v Version, records [][]byte) (piece, []byte) {
	p := piece{Version: v, Lengths: make([]int, len(records))}
	var stream []byte
	for i, r := range records {
		p.Lengths[i] = len(r)
		stream = append(stream, r...)
	}
	p.Sum = crc32.Checksum(stream, castagnoli)
	return p, stream
}

func (p piece) size() int {
	size := 0
	for _, n := range p.Lengths {
		size += n
	}
	return size
}

func (p piece) chunks() int { return chunksOf(p.size()) }

// records cuts the stream of a piece into its records.
func (p piece) records(stream []byte) ([][]byte, error) {
	for _, n := range p.Lengths {
		if n < 0 || n > MaxCommit {
			return nil, fmt.Errorf("commit %x: a record of %d bytes: %w", p.Version, n, ErrDamaged)
		}
	}
	if len(stream) != p.size() || crc32.Checksum(stream, castagnoli) != p.Sum {
		return nil, fmt.Errorf("commit %x: %d bytes, of %d that were written: %w", p.Version, len(stream), p.size(), ErrDamaged)
	}
	records := make([][]byte, len(p.Lengths))
	for i, n := range p.Lengths {
		records[i], stream = stream[:n:n], stream[n:]
	}
	return records, nil
}

func chunksOf(size int) int { return (size + chunkSize - 1) / chunkSize }

// chunk is the n-th of a stream.
func chunk(stream []byte, n int) []byte {
	return stream[n*chunkSize : min((n+1)*chunkSize, len(stream))]
}

// readManifest reads one as stored; of an entry that is not there, the one that
// a submission leaves unwritten.
func readManifest(e store.Entry) (manifest, error) {
	m := manifest{Events: 1}
	if e.Mod == 0 {
		return m, nil
	}
	rest, err := decode(e.Value, &m)
	if err != nil {
		return manifest{}, fmt.Errorf("manifest: %w", err)
	}
	m.rest = rest
	return m, nil
}

func (m manifest) text() ([]byte, error) {
	text, err := encode(m, m.rest)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("manifest of %d bytes, %d are taken; a base shortens it: %w", len(text), maxManifest, store.ErrTooLarge)
	}
	return text, nil
}
