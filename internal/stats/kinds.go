package stats

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// MaxKinds is how many kinds of errors are told apart in one place; what is
// beyond is counted under [OtherKind].
const MaxKinds = 64

// OtherKind is the text of the kind that stands for all beyond [MaxKinds].
const OtherKind = "other"

// maxSample is the most bytes of a sample text that are kept.
const maxSample = 200

// Kind is one kind of error with its count and one instance in words.
type Kind struct {
	Text   string
	Count  uint64
	Sample string // "": the text says all
}

// Kinds is a bounded set of kinds of errors. Those that it tells apart are the
// first [MaxKinds] in a fixed order (kinds without an argument first, then by
// status, check, capture and value, each by text), so that merging is exact and
// order-free: a kind that is kept was kept everywhere. Of the samples of a kind
// the least text is kept. The zero value is empty.
type Kinds struct {
	kinds []Kind // in order
	other uint64
}

// List gives the kinds in their order, that of all others last if there are any.
func (k *Kinds) List() []Kind {
	list := append([]Kind(nil), k.kinds...)
	if k.other > 0 {
		list = append(list, Kind{Text: OtherKind, Count: k.other})
	}
	return list
}

// Total is the sum of the counts.
func (k *Kinds) Total() uint64 {
	n := k.other
	for _, kind := range k.kinds {
		n += kind.Count
	}
	return n
}

// Add counts a kind. The sample is cut to 200 bytes.
func (k *Kinds) Add(kind Kind) {
	if kind.Text == OtherKind {
		k.other += kind.Count
		return
	}
	kind.Sample = clip(kind.Sample, maxSample)
	i := sort.Search(len(k.kinds), func(i int) bool { return !kindBefore(k.kinds[i].Text, kind.Text) })
	switch {
	case i < len(k.kinds) && k.kinds[i].Text == kind.Text:
		k.kinds[i].Count += kind.Count
		k.kinds[i].Sample = lesser(k.kinds[i].Sample, kind.Sample)
	case i == MaxKinds:
		k.other += kind.Count
	default:
		k.insert(i, kind)
	}
}

// insert puts the kind at place i; the last makes room if there is none.
func (k *Kinds) insert(i int, kind Kind) {
	k.kinds = append(k.kinds, Kind{})
	copy(k.kinds[i+1:], k.kinds[i:])
	k.kinds[i] = kind
	if len(k.kinds) > MaxKinds {
		k.other += k.kinds[MaxKinds].Count
		k.kinds = k.kinds[:MaxKinds]
	}
}

// Merge adds all that o holds.
func (k *Kinds) Merge(o *Kinds) {
	for _, kind := range o.kinds {
		k.Add(kind)
	}
	k.other += o.other
}

// kindBefore is the order of kinds.
func kindBefore(a, b string) bool {
	if ra, rb := kindRank(a), kindRank(b); ra != rb {
		return ra < rb
	}
	return a < b
}

// kindRank sorts kinds by what their argument is.
func kindRank(text string) int {
	for i, prefix := range [...]string{"status ", "check ", "capture ", "no value "} {
		if strings.HasPrefix(text, prefix) {
			return i + 1
		}
	}
	return 0
}

// lesser is the sample to keep of two: the lesser text that is not empty.
func lesser(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// clip cuts text to at most n bytes of whole characters, in valid UTF-8.
func clip(text string, n int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
