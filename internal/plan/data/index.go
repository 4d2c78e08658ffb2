package data

// blockRows is how many rows share one 8-byte offset. Together with the bounds
// of rows and of the gaps between them it keeps the distances within a block
// below 4 GiB.
const blockRows = 1024

// blockBytes is what one block takes.
const blockBytes = 8 + 4*blockRows

// block says where up to blockRows consecutive rows begin.
type block struct {
	base   int64             // where the first one begins
	starts [blockRows]uint32 // distances from base
}

// index says where the rows of a file are: about 4 bytes for each row. Blocks
// never move, so growing it copies no more than their addresses.
type index struct {
	blocks []*block
	rows   int64
	end    int64 // of the last row
}

// add appends the row at [from, to).
func (x *index) add(from, to int64) {
	i := x.rows % blockRows
	if i == 0 {
		x.blocks = append(x.blocks, &block{base: from})
	}
	b := x.blocks[len(x.blocks)-1]
	b.starts[i] = uint32(from - b.base)
	x.rows++
	x.end = to
}

// memory is how many bytes of memory the index takes.
func (x *index) memory() int64 { return int64(len(x.blocks)) * blockBytes }

// extent gives where row n is: its bytes, and what lies between it and the next.
func (x *index) extent(n int64) (from, to int64) {
	if n+1 == x.rows {
		return x.start(n), x.end
	}
	return x.start(n), x.start(n + 1)
}

// start gives where row n begins.
func (x *index) start(n int64) int64 {
	b := x.blocks[n/blockRows]
	return b.base + int64(b.starts[n%blockRows])
}
