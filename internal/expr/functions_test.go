package expr

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestUUIDIsVersion4(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, draw := range []uint64{0, 1, math.MaxUint64, 0x0123456789abcdef} {
		if got := string(appendUUID(nil, draw, ^draw)); !form.MatchString(got) {
			t.Errorf("%x: %s", draw, got)
		}
	}
	if got, want := string(appendUUID(nil, 0x0011223344556677, 0x8899aabbccddeeff)), "00112233-4455-4677-8899-aabbccddeeff"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestBetweenStaysWithinAndReachesItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		low, high := min(a, b), max(a, b)
		if n := between(rapid.Uint64().Draw(t, "draw"), low, high); n < low || n > high {
			t.Fatalf("%d is not in [%d, %d]", n, low, high)
		}
		if between(0, low, high) != low || between(math.MaxUint64, low, high) != high {
			t.Fatalf("[%d, %d] is not reached", low, high)
		}
	})
	// All of int64 is 2⁶⁴ numbers, which no uint64 can count.
	if n := between(7, math.MinInt64, math.MaxInt64); n != math.MinInt64+7 {
		t.Errorf("the widest range gives %d", n)
	}
	if n := between(math.MaxUint64, math.MinInt64, math.MaxInt64); n != math.MaxInt64 {
		t.Errorf("the widest range gives %d", n)
	}
}

func TestBetweenIsEven(t *testing.T) {
	const sides, throws = 6, 60_000
	var counts [sides]int
	for i := range uint64(throws) {
		counts[between(math.MaxUint64/throws*i, 1, sides)-1]++
	}
	for side, n := range counts {
		if n < throws/sides-2 || n > throws/sides+2 {
			t.Errorf("%d came %d times", side+1, n)
		}
	}
}

func TestRandStr(t *testing.T) {
	form := regexp.MustCompile(`^[a-z0-9]*$`)
	var all strings.Builder
	for n := range 40 {
		s := string(appendRandStr(nil, 1, 2, n))
		if len(s) != n || !form.MatchString(s) {
			t.Errorf("%d: %q", n, s)
		}
		all.WriteString(string(appendRandStr(nil, uint64(n), 7, 100)))
	}
	for _, letter := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		if n := strings.Count(all.String(), string(letter)); n < 60 || n > 170 { // 4000 ÷ 36 = 111
			t.Errorf("%c came %d times", letter, n)
		}
	}
	// The stream is part of what a seed means: it must never change.
	if got, want := string(appendRandStr(nil, 1, 2, 20)), "1zd5xstvwg6qfhd32iwj"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEachRandomFunctionHasSitesOfItsOwn(t *testing.T) {
	w := shop()
	asked := map[uint32]int{}
	w.draw = func(site uint32) uint64 { asked[site]++; return 0 }
	if _, err := render(t, w, w, "{{ uuid }}{{ uuid }}{{ rand 1 2 }}{{ rand 1 2 }}{{ randstr 90 }}{{ base64 uuid }}", None); err != nil {
		t.Fatal(err)
	}
	if int(w.sites) != 10 || len(asked) != 10 {
		t.Errorf("%d sites, asked %v", w.sites, asked)
	}
	for site, n := range asked {
		if n != 1 {
			t.Errorf("site %d was drawn %d times", site, n)
		}
	}
}

func TestWhole(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int64
		ok   bool
	}{
		{"0", 0, true}, {"-0", 0, true}, {"007", 7, true}, {"-12", -12, true},
		{"9223372036854775807", math.MaxInt64, true}, {"-9223372036854775808", math.MinInt64, true},
		{"9223372036854775808", 0, false}, {"-9223372036854775809", 0, false}, {"18446744073709551616", 0, false}, {"99999999999999999999999", 0, false},
		{"", 0, false}, {"-", 0, false}, {"+1", 0, false}, {"1.0", 0, false}, {"1e3", 0, false}, {" 1", 0, false}, {"1 ", 0, false}, {"--1", 0, false},
	} {
		n, ok := whole(test.text)
		if ok != test.ok || ok && n != test.n {
			t.Errorf("%q: got %d, %v", test.text, n, ok)
		}
	}
}
