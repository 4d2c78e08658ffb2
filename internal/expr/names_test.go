package expr

import "testing"

func TestCheckName(t *testing.T) {
	for _, name := range []string{"id", "user-id", "_x", "über", "a1", "rands", "environment"} {
		if err := CheckName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, test := range []struct {
		name   string
		offset int
		want   string
	}{
		{"", 0, `"" can't be a name; expected a letter or _, then letters, digits, _ or -`},
		{"1a", 0, `"1a" can't be a name; expected a letter or _, then letters, digits, _ or -`},
		{"a b", 1, `"a b" can't be a name; expected a letter or _, then letters, digits, _ or -`},
		{"a.b", 1, `"a.b" can't be a name; expected a letter or _, then letters, digits, _ or -`},
	} {
		checkFault(t, test.name, CheckName(test.name), test.offset, test.want)
	}
	// Built-ins can't be redefined.
	for _, name := range Builtins() {
		checkFault(t, name, CheckName(name), 0, quote(name)+" is built in and can't be redefined; expected another name")
	}
	if n := len(Builtins()); n != 15 {
		t.Errorf("%d built-ins", n)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"token", "users.name", "id", "region", "contains"}
	for text, want := range map[string]string{
		"tokne": "token", "Token": "token", "user.name": "users.name", "regoin": "region", "contain": "contains",
		"xyz": "", "": "", "x": "", "i": "", "ids": "id", "tok": "", "ID": "id",
	} {
		if got := Nearest(text, known); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	long := make([]byte, 1000)
	if got := Nearest(string(long), []string{string(long[:999])}); got != "" {
		t.Errorf("long texts: %q", got)
	}
}
