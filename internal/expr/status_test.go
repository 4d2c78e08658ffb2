package expr

import "testing"

func TestParseStatus(t *testing.T) {
	for _, test := range []struct {
		text    string
		yes, no []int
	}{
		{"200", []int{200}, []int{199, 201, 0, -1, 5000}},
		{" 200 ", []int{200}, []int{199}},
		{"2xx", []int{200, 204, 299}, []int{199, 300}},
		{"9xx", []int{900, 999}, []int{1000, 899, 1023, 1024}},
		{"200..299", []int{200, 299}, []int{199, 300}},
		{"200..200", []int{200}, []int{201}},
		{"100..999", []int{100, 999}, []int{99, 1000}},
	} {
		set, err := ParseStatus(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		}
		for i, code := range append(test.yes, test.no...) {
			if set.Has(code) != (i < len(test.yes)) {
				t.Errorf("%s: %d", test.text, code)
			}
		}
	}
	for _, text := range []string{"", "20", "2000", "099", "0xx", "2XX", "2x", "2xxx", "200..", "..300", "200...300", "300..200", "200,201", "-200", "ok", "200 201", "200..1000"} {
		if _, err := ParseStatus(text); err == nil {
			t.Errorf("%q is a status", text)
		} else if _, ok := Offset(err); !ok {
			t.Errorf("%q: no offset", text)
		}
	}
	_, err := ParseStatus("300..200")
	checkFault(t, "300..200", err, 0, "the range ends before it begins; expected LOWEST..HIGHEST")
}

func TestStatusList(t *testing.T) {
	a, _ := ParseStatus("200")
	b, _ := ParseStatus("3xx")
	set := a.Or(b)
	if !set.Has(200) || !set.Has(301) || set.Has(201) || a.Has(301) {
		t.Error("the union is wrong")
	}
}
