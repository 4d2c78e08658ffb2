package http1

// kept is a part of an answer that its reader wants. As long as it lies in one
// piece in the bytes being fed it is only a view of them.
type kept struct{ view []byte }

// stash holds what an unfinished answer must not lose between two feeds.
type stash struct {
	line []byte // the beginning of a line
	part [2][]byte
}

// The parts of a stash.
const (
	headOf = iota
	bodyOf
)

// hold gives p's stash, which it takes in hand when there is none.
func (p *Parser) hold() *stash {
	if p.stash == nil {
		p.stash = p.lane.get()
	}
	return p.stash
}

// holds reports whether the beginning of a line waits for its end.
func (p *Parser) holds() bool { return p.stash != nil && len(p.stash.line) > 0 }

// add puts b behind what k has.
func (k *kept) add(p *Parser, part int, b []byte) {
	if k.view == nil && (p.stash == nil || len(p.stash.part[part]) == 0) {
		k.view = b
		return
	}
	k.settle(p, part)
	s := p.hold()
	s.part[part] = append(s.part[part], b...)
}

// settle copies what is only viewed.
func (k *kept) settle(p *Parser, part int) {
	if len(k.view) > 0 {
		s := p.hold()
		s.part[part] = append(s.part[part], k.view...)
	}
	k.view = nil
}

// bytes is all that k has.
func (k *kept) bytes(s *stash, part int) []byte {
	if k.view != nil || s == nil {
		return k.view
	}
	return s.part[part]
}

// settle copies what the next feed would overwrite.
func (p *Parser) settle() {
	if p.head.view != nil {
		p.head.settle(p, headOf)
	}
	if p.body.view != nil {
		p.body.settle(p, bodyOf)
	}
}
