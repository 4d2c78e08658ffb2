package pack_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hyperscale"
	"hyperscale/internal/spec/pack"
)

// small and large are one thing in two versions.
type small struct {
	Name string
	List []small
}

type large struct {
	Name  string
	Wait  time.Duration
	Part  float64
	On    bool
	Raw   []byte
	Maybe *string
	List  []large
	Inner struct{ A, B int32 }
	Count uint16
}

const room = 1 << 20

// larges draws values, two levels deep.
func larges(depth int) *rapid.Generator[large] {
	return rapid.Custom(func(t *rapid.T) large {
		v := large{
			Name: rapid.String().Draw(t, "name"), Wait: time.Duration(rapid.Int64().Draw(t, "wait")),
			Part: rapid.Float64().Draw(t, "part"), On: rapid.Bool().Draw(t, "on"), Count: rapid.Uint16().Draw(t, "count"),
		}
		v.Inner.B = rapid.Int32().Draw(t, "b")
		if raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw"); len(raw) > 0 {
			v.Raw = raw
		}
		if rapid.Bool().Draw(t, "maybe") {
			text := rapid.String().Draw(t, "text")
			v.Maybe = &text
		}
		if depth > 0 {
			if list := rapid.SliceOfN(larges(depth-1), 0, 3).Draw(t, "list"); len(list) > 0 {
				v.List = list
			}
		}
		return v
	})
}

func TestComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := larges(2).Draw(t, "value")
		b := pack.Append(nil, v)
		var got large
		if err := pack.Decode(b, &got, room); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("got %+v, want %+v", got, v)
		}
		if !bytes.Equal(pack.Append(nil, &got), b) {
			t.Fatal("the bytes differ")
		}
	})
}

// An older version's bytes are understood; a newer one's where they use nothing
// that is new.
func TestVersions(t *testing.T) {
	var to large
	if err := pack.Decode(pack.Append(nil, small{Name: "a", List: []small{{Name: "b"}, {}}}), &to, room); err != nil || to.List[0].Name != "b" || len(to.List) != 2 {
		t.Errorf("an older version: %v, %+v", err, to)
	}
	var back small
	if err := pack.Decode(pack.Append(nil, large{Name: "a"}), &back, room); err != nil || back.Name != "a" {
		t.Errorf("a newer version: %v, %+v", err, back)
	}
	err := pack.Decode(pack.Append(nil, large{Name: "a", On: true}), &back, room)
	if err == nil || !strings.Contains(err.Error(), `no field "On" here`) {
		t.Errorf("what is new: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, b := range map[string]string{
		"nothing":               "",
		"no end":                "\x01\x04Name\x01a",
		"left over":             "\x00\x00",
		"empty field":           "\x01\x04Name\x00\x00",
		"field twice":           "\x01\x04Name\x01a\x02\x01a\x00",
		"name twice":            "\x01\x04Name\x01a\x01\x04Name\x01a\x00",
		"order":                 "\x01\x04List\x01\x00\x01\x04Name\x01a\x00",
		"unknown name":          "\x05\x00",
		"long number":           "\x80\x00",
		"list longer than rest": "\x01\x04List\xff\xff\x03\x00",
	} {
		var to small
		if err := pack.Decode([]byte(b), &to, room); err == nil {
			t.Errorf("%s was taken: %+v", name, to)
		}
	}
	deep := small{}
	for range 300 {
		deep = small{List: []small{deep}}
	}
	var to small
	if err := pack.Decode(pack.Append(nil, deep), &to, room); err == nil {
		t.Error("300 levels were taken")
	}
	wide := small{List: make([]small, 10_000)}
	if err := pack.Decode(pack.Append(nil, wide), &to, 100_000); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("more than the memory allows: %v", err)
	}
}

// Whatever decodes has exactly the bytes it was decoded from.
func FuzzDecode(f *testing.F) {
	f.Add(pack.Append(nil, hyperscale.Plan{Name: "a", Workflows: []hyperscale.Workflow{{Name: "w", Steps: []hyperscale.Step{{Request: &hyperscale.Request{}}}}}}))
	f.Add([]byte("\x01\x04Name\x01a\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p hyperscale.Plan
		if pack.Decode(b, &p, room) != nil {
			return
		}
		if got := pack.Append(nil, p); !bytes.Equal(got, b) {
			t.Errorf("%q became %q", b, got)
		}
	})
}
