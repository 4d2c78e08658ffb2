package expr

import (
	"cmp"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseOp(t *testing.T) {
	for _, test := range []struct {
		text string
		op   Op
		rest string
	}{
		{"< 800ms", Less, "800ms"}, {"<800ms", Less, "800ms"}, {"<= 1s", AtMost, "1s"}, {">=1kB", AtLeast, "1kB"}, {"> 5", Greater, "5"},
		{"== 5", Equal, "5"}, {"!= 5 ", NotEqual, "5 "}, {"contains x y", Contains, "x y"}, {"matches ^a", Matches, "^a"}, {"  <  1s", Less, "1s"}, {"<", Less, ""},
	} {
		op, rest, err := ParseOp(test.text)
		if err != nil || op != test.op || rest != test.rest {
			t.Errorf("%q: got %v, %q, %v", test.text, op, rest, err)
		}
	}
	for _, text := range []string{"", "800ms", "=5", "<<5", "containsx", "=> 5"} {
		if op, _, err := ParseOp(text); err == nil {
			t.Errorf("%q: got %v", text, op)
		}
	}
	_, _, err := ParseOp(" => 1s")
	checkFault(t, "=>", err, 1, `"=>" is no operator; expected == != < <= > >= contains matches; did you mean >=`)
}

func TestCompareInt(t *testing.T) {
	for op, want := range map[Op][3]bool{ // for 1 against 2, 2 against 2, 3 against 2
		Equal: {false, true, false}, NotEqual: {true, false, true}, Less: {true, false, false}, AtMost: {true, true, false},
		Greater: {false, false, true}, AtLeast: {false, true, true}, Contains: {}, Matches: {},
	} {
		for i := range want {
			if got := op.CompareInt(int64(i+1), 2); got != want[i] {
				t.Errorf("%d %v 2: %v", i+1, op, got)
			}
		}
		if op.OnText() != (op == Contains || op == Matches) {
			t.Errorf("%v: OnText", op)
		}
	}
}

func TestNumbersAreComparedExactly(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"0", "-0", 0}, {"0", "0.000e5", 0}, {"1", "1.0", 0}, {"10", "1e1", 0}, {"0.1", "1e-1", 0}, {"100e-2", "1", 0}, {"007", "7", 0},
		{"0.05", "0.5", -1}, {"0.05", "0.049", 1}, {"-1", "1", -1}, {"-1", "0", -1}, {"-2", "-1", -1}, {"-0.5", "-0.25", -1}, {"1e400", "1e401", -1},
		{"9007199254740993", "9007199254740992", 1}, {"1.0000000000000000000000001", "1", 1}, {"123", "1234", -1}, {"2e99999999999999999999", "1", 1},
		{"2e-99999999999999999999", "1", -1}, {"1E+2", "100", 0}, {"12.50", "12.5", 0}, {"0e9", "0", 0},
	} {
		a, ok := parseDecimal([]byte(test.a))
		b, ok2 := parseDecimal([]byte(test.b))
		if !ok || !ok2 || a.compare(b) != test.want || b.compare(a) != -test.want {
			t.Errorf("%s and %s: %d", test.a, test.b, a.compare(b))
		}
	}
	for _, text := range []string{"", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "inf", "1 ", " 1", "1_0", "1,5", "--1", "1.2.3"} {
		if _, ok := parseDecimal([]byte(text)); ok {
			t.Errorf("%q is a number", text)
		}
	}
}

func TestNumbersCompareAsRationals(t *testing.T) {
	number := rapid.StringMatching(`-?[0-9]{1,6}(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		ra, ok := new(big.Rat).SetString(a)
		rb, ok2 := new(big.Rat).SetString(b)
		if !ok || !ok2 {
			t.Skip()
		}
		for op := Equal; op <= AtLeast; op++ {
			if got, want := op.CompareText([]byte(a), []byte(b)), op.holds(ra.Cmp(rb)); got != want {
				t.Fatalf("%s %v %s: %v", a, op, b, got)
			}
		}
	})
}

func TestOtherTextIsComparedByByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := "x"+rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		for op := Equal; op <= AtLeast; op++ {
			if got, want := op.CompareText([]byte(a), []byte(b)), op.holds(cmp.Compare(a, b)); got != want {
				t.Fatalf("%q %v %q: %v", a, op, b, got)
			}
		}
	})
}

func TestComparison(t *testing.T) {
	for _, test := range []struct {
		text, name string
		yes, no    []string
	}{
		{"5", `== "5"`, []string{"5", "5.0", "05"}, []string{"", "6", "5x"}},
		{"ok", `== "ok"`, []string{"ok"}, []string{"OK", ""}},
		{"", `== ""`, []string{""}, []string{"x"}},
		{"true", `== "true"`, []string{"true"}, []string{"false", ""}},
		{"two words", `== "two words"`, []string{"two words"}, nil},
		{"> 5", `> "5"`, []string{"6", "5.1", "1e9"}, []string{"5", "4", ""}},
		{">5", `> "5"`, []string{"6"}, []string{"5"}},
		{`== ""`, `== ""`, []string{""}, []string{"x"}},
		{`!= ""`, `!= ""`, []string{"x"}, []string{""}},
		{"==", `== ""`, []string{""}, []string{"x"}},
		{"contains not found", `contains "not found"`, []string{"it was not found."}, []string{"found"}},
		{`contains "a b"`, `contains "a b"`, []string{"xa by"}, []string{"ab"}},
		{`matches ^a\.b c$`, `matches "^a\\.b c$"`, []string{"a.b c"}, []string{"axb c"}},
		{`== contains x`, `== "contains x"`, []string{"contains x"}, []string{"x"}},
		{`"quoted"`, `== "\"quoted\""`, []string{`"quoted"`}, []string{"quoted"}},
		{"== =x", `== "=x"`, []string{"=x"}, []string{"x"}},
		{"<> x", `== "<> x"`, []string{"<> x"}, nil},
		{"== {{ id }}", `== "{{ id }}"`, []string{"42", "42.0"}, []string{"4"}},
		{"{{ id }}", `== "{{ id }}"`, []string{"42"}, []string{"4"}},
		{"> '{{ five }}0'", `> "{{ five }}0"`, []string{"51"}, []string{"50"}},
		{"< 800ms", `< "800ms"`, []string{"1"}, []string{"9"}},
	} {
		w := shop()
		c, err := ParseComparison(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if c.String() != test.name {
			t.Errorf("%s is named %s", test.text, c)
		}
		b, err := c.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		for i, found := range append(test.yes, test.no...) {
			holds, out, err := b.Holds([]byte(found), w, []byte("kept"))
			if holds != (i < len(test.yes)) || err != nil || string(out) != "kept" {
				t.Errorf("%q %s: %v, %v, %q", found, c, holds, err, out)
			}
		}
	}
}

func TestComparisonErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"= 5", 0, `"=" is no operator; expected == != < <= > >= contains matches; did you mean ==`},
		{"=> 5", 0, `"=>" is no operator; expected == != < <= > >= contains matches; did you mean >=`},
		{`== "a" b`, 7, `"b" after the quotes; expected the end`},
		{`== "a`, 3, `a quote is not closed; expected "`},
		{"> {{ x", 2, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
		{"{{ x", 0, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
	} {
		_, err := ParseComparison(test.text)
		checkFault(t, test.text, err, test.offset, test.want)
	}
	c, err := ParseComparison("== '{{ none }}'")
	if err != nil {
		t.Fatal(err)
	}
	w := shop()
	b, err := c.Bind(w)
	if err != nil {
		t.Fatal(err)
	}
	if holds, _, err := b.Holds([]byte("x"), w, nil); holds || err == nil {
		t.Errorf("%v, %v", holds, err)
	}
	if names := c.Names(); len(names) != 1 || names[0] != (NameRef{"none", 7, false}) {
		t.Errorf("names %v", names)
	}
}
