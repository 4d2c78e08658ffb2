package hyperscale

// Source draws random numbers for one workflow by counter: each draw is a
// function of (plan seed, workflow, slot, pass, draw) and of nothing else, so
// that any holder of a slot draws the same.
type Source uint64

// NewSource gives the source of the named workflow under the plan's seed.
func NewSource(seed uint64, workflow string) Source {
	h := mix(seed + golden)
	for i := 0; i < len(workflow); i++ {
		h = mix(h ^ uint64(workflow[i]) + golden)
	}
	return Source(h)
}

// Draw gives 64 uniform bits. Pass is the loop number of a closed virtual user,
// else 0; draw tells the draws of one iteration apart.
func (s Source) Draw(slot Slot, pass int64, draw uint64) uint64 {
	h := mix(uint64(s) + golden*uint64(slot+1))
	h = mix(h ^ uint64(pass)*0xd1342543de82ef95 + golden)
	return mix(h ^ draw*0xaf251af3b0f025b5 + golden)
}

// Unit maps 64 uniform bits to [0, 1) in steps of 2⁻⁵³.
func Unit(bits uint64) float64 { return float64(bits>>11) * 0x1p-53 }

// golden is 2⁶⁴ divided by the golden ratio: the increment of SplitMix64.
const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood: "Fast splittable
// pseudorandom number generators", 2014, with Stafford's constants, variant 13).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
