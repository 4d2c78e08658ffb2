package expr

import (
	"fmt"
	"testing"
)

func TestCondition(t *testing.T) {
	for _, test := range []struct {
		text string
		want bool
	}{
		// NAME alone.
		{"id", true}, {"none", false}, {"empty", false}, {"not none", true}, {"not id", false}, {"false", false}, {"zero", true},
		{"env.NOPE", false}, {"not env.NOPE", true}, {"env.HOME", true}, {"users.name", true}, {"  id  ", true}, {"not  id", false},
		// Unset is "".
		{`id != ""`, true}, {`none != ""`, false}, {`none == ""`, true}, {`empty == ''`, true}, {`env.NOPE == ""`, true}, {`none < 5`, true},
		// Numbers when both are.
		{"id == 42", true}, {"id == 42.0", true}, {"id == 4.2e1", true}, {"id != 42", false}, {"id < 5", false}, {"id > 5", true}, {"id>=42", true},
		{"id<=41", false}, {"id<42", false}, {"neg < 0", true}, {"neg<-2.5", true}, {"five < 10", true}, {"big == 9007199254740993", true},
		{"big == 9007199254740992", false}, {"big > 9007199254740992", true},
		// Text otherwise.
		{"users.name == eve", true}, {"users.name == Eve", false}, {"users.name < f", true}, {"name < 5", false}, {"five < 5x", true}, {"code == 4e", true}, {"code == 4", false},
		{`name == "Ann \"A\" O'Neil & co"`, true}, {`name contains "O'Neil"`, true}, {`name contains ann`, false}, {"id contains 4", true},
		{`none contains ""`, true}, {`name contains ""`, true},
		// matches is RE2, anywhere.
		{`name matches ^Ann`, true}, {`name matches "o$"`, true}, {`name matches ^$`, false}, {`none matches ^$`, true}, {`id matches ^\d+$`, true},
		{`id matches "^\d{2}$"`, true}, {"region matches ^(eu|us)$", true}, {`id matches '^{{ region }}'`, false}, {`region matches '^{{ region }}'`, true},
		// not stands for the whole term.
		{"not id == 42", false}, {"not id == 41", true}, {`not name contains xyz`, true},
		// and binds tighter than or.
		{"id and none", false}, {"id and users.name", true}, {"id or none", true}, {"none or id", true}, {"none or none", false},
		{"id or none and none", true}, {"none and none or id", true}, {"none and id or none", false}, {"id == 1 or id == 42 and five == 5", true},
		{"not none and not empty", true}, {"none or not none", true}, {"id\nand\tfive", true},
		// Built-ins are names.
		{"vu == 12", true}, {"iteration == 0", false}, {"iteration < 4 and vu", true}, {"now > 1767319445677", true}, {"uuid != uuid", true},
		// VALUE is text; a template in it is one.
		{"five == id", false}, {"id == {{ id }}", true}, {"id == {{ five }}", false}, {"id == '{{ id }}'", true}, {`users.name == "{{ users.name }}"`, true},
		{"id == 4{{ none | 2 }}", true}, {"id == {{ none | 42 }} and five == 5", true}, {"path == '{{ path }}'", true}, {"region == {{ region }}", true},
		{"name == \\{{", false}, {"id == 'and'", false},
	} {
		w := shop()
		w.vars["false"], w.vars["zero"], w.vars["big"], w.vars["code"] = "false", "0", "9007199254740993", "4e"
		c, err := ParseCondition(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		b, err := c.Bind(w)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := b.Eval(w); got != test.want {
			t.Errorf("%s: got %v", test.text, got)
		}
		got, out, err := b.Holds(w, []byte("kept"))
		if got != test.want || err != nil || string(out) != "kept" {
			t.Errorf("%s: Holds gives %v, %q, %v", test.text, got, out, err)
		}
		if c.String() != test.text {
			t.Errorf("%s: became %s", test.text, c)
		}
	}
}

func TestConditionSyntaxErrors(t *testing.T) {
	const noOp = `expected == != < <= > >= contains matches`
	const joint = `after a term; expected "and", "or" or the end; text with blanks in quotes`
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, `the end is no name; expected a name, as in: id != ""`},
		{"not", 3, `the end is no name; expected a name, as in: id != ""`},
		{"5 == id", 0, `"5" is no name; expected a name, as in: id != ""`},
		{"(id)", 0, `"(id)" is no name; expected a name, as in: id != ""`},
		{"!id", 0, `"!id" is no name; expected a name, as in: id != ""; did you mean not`},
		{"{{ id }}", 0, `a condition names its values without braces; expected a name, as in: id != ""`},
		{"users. == 1", 0, `"users." ends with a dot; expected a name after the dot`},
		{"not not id", 4, `"not" is a word of conditions and no name; expected a name`},
		{"id and", 6, `the end is no name; expected a name, as in: id != ""`},
		{"id and and x", 7, `"and" is a word of conditions and no name; expected a name`},
		{"rand == 1", 0, `"rand" is a function and needs arguments; expected {{ rand A B }}`},
		{"env == 1", 0, `"env" alone is no value; expected env.NAME`},
		{"id =", 3, `"=" is no operator; ` + noOp + `; did you mean ==`},
		{"id = 5", 3, `"=" is no operator; ` + noOp + `; did you mean ==`},
		{"id === 5", 3, `"===" is no operator; ` + noOp + `; did you mean ==`},
		{"id =< 5", 3, `"=<" is no operator; ` + noOp + `; did you mean <=`},
		{"id =~ x", 3, `"=~" is no operator; ` + noOp + `; did you mean matches`},
		{"id contain x", 3, `"contain" is no operator; ` + noOp + `; did you mean contains`},
		{"id && x", 3, `"&&" ` + joint + `; did you mean and`},
		{"id || x", 3, `"||" ` + joint + `; did you mean or`},
		{"id == 5 && x", 8, `"&&" ` + joint + `; did you mean and`},
		{"id AND x", 3, `"AND" ` + joint + `; did you mean and`},
		{"id == a b", 8, `"b" ` + joint},
		{"id == 'a' 'b'", 10, `"'b'" ` + joint},
		{"id ==", 5, `the end after ==; expected a value; "" for nothing`},
		{"id == and x", 6, `"and" after ==; expected a value; "" for nothing`},
		{"id == 'x", 6, `a quote is not closed; expected '`},
		{"id == {{ x", 6, `"{{" is not closed; expected "}}", or \{{ for the text {{`},
		{"id == '{{ ranb 1 2 }}'", 10, `"ranb" is no function; expected one of uuid, rand, randstr, now, vu, iteration, json, base64, urlquery; did you mean rand`},
	} {
		_, err := ParseCondition(test.text)
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

func TestConditionBindErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		want   string
	}{
		{"id and what", 7, "unknown name what"},
		{"id == {{ what }}", 9, "unknown name what"},
		{"id == '{{ env.NOPE }}'", 10, "env.NOPE is not set"}, // a template needs a value, a name does not
		{"id matches a(", 11, `"a(" is no regular expression: missing closing ) "a("; expected RE2 syntax`},
		{"id matches 'a('", 12, `"a(" is no regular expression: missing closing ) "a("; expected RE2 syntax`},
		{"id matches {{ id }}", 11, "a pattern that is only known while running; expected text, vars or env alone after matches"},
		{"a or b == {{ c }}", 0, "unknown name a\nunknown name b\nunknown name c"},
	} {
		c, err := ParseCondition(test.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Bind(shop())
		checkFault(t, test.text, err, test.offset, test.want)
	}
}

func TestConditionNames(t *testing.T) {
	c, err := ParseCondition("a and not b.c == '{{ d }}' or vu == {{ e | 1 }} or env.X")
	if err != nil {
		t.Fatal(err)
	}
	want := []NameRef{{"a", 0, true}, {"b.c", 10, true}, {"d", 21, false}, {"e", 39, true}, {"env.X", 51, true}}
	if got := c.Names(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A template on the right that has no value is the step's error; Eval takes it
// as false.
func TestConditionWithoutValue(t *testing.T) {
	for _, text := range []string{"id != {{ none }}", "not id == '{{ none }}'", "empty or id != {{ none }}"} {
		w := shop()
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		holds, out, err := b.Holds(w, []byte("kept"))
		if holds || err == nil || err.Error() != "no value none" || string(out) != "kept" {
			t.Errorf("%s: %v, %v, %q", text, holds, err, out)
		}
		if b.Eval(w) {
			t.Errorf("%s holds", text)
		}
	}
}

func TestConditionAllocatesNothing(t *testing.T) {
	w := shop()
	scratch := make([]byte, 0, 256)
	for _, text := range []string{"id", `id != ""`, "id < 5 or name contains O", "id == {{ id }} and vu == 12", `id matches ^\d+$`, "id != {{ none }}"} {
		c, _ := ParseCondition(text)
		b, err := c.Bind(w)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _, _ = b.Holds(w, scratch) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
