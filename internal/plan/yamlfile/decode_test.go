package yamlfile_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hyperscale"
	"hyperscale/internal/plan/yamlfile"
)

// house is a file type with one of everything.
type house struct {
	yamlfile.Place
	inside
	Name   yamlfile.Value[string]              `yaml:"name,required" doc:"What it is called"`
	Rooms  []room                              `yaml:"rooms" doc:"Its rooms"`
	Owners yamlfile.Map[share]                 `yaml:"owners"`
	Garden *room                               `yaml:"garden"`
	Any    anything                            `yaml:"any"`
	Labels []yamlfile.Value[string]            `yaml:"labels"`
	Scores yamlfile.Map[yamlfile.Value[int64]] `yaml:"scores"`
}

// inside is embedded.
type inside struct {
	Warm yamlfile.Value[bool] `yaml:"warm"`
}

type room struct {
	yamlfile.Place
	Size yamlfile.Value[int64] `yaml:"size,required"`
	Door *room                 `yaml:"door"`
}

// IgnoresKey lets keys of the builders pass.
func (*house) IgnoresKey(key string) bool { return strings.HasPrefix(key, "x-") }

// share decodes itself.
type share float64

func (s *share) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	text, ok := d.AnyText(n)
	if !ok {
		return
	}
	v, err := hyperscale.ParseShare(text)
	d.Wrong(n, err)
	*s = share(v)
}

func (*share) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"type": "string"}
}

// anything takes null too.
type anything struct{ Node *yamlfile.Node }

func (a *anything) DecodeYAML(_ *yamlfile.Decoder, n *yamlfile.Node) { a.Node = n }
func (*anything) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema     { return yamlfile.Schema{} }
func (*anything) TakesNull()                                         {}

func decode(t *testing.T, src string) (h house, faults []string) {
	t.Helper()
	root, wrong := yamlfile.Parse([]byte(src))
	d := yamlfile.Decoder{Faults: wrong}
	d.Decode(root, &h)
	for _, f := range d.Faults.Sorted() {
		f.File = "f"
		faults = append(faults, strings.TrimPrefix(f.String(), "f:"))
	}
	return h, faults
}

func TestDecode(t *testing.T) {
	h, faults := decode(t, `
name: home
warm: true
x-note: [passed over]
rooms:
  - size: 0x1F
    door: {size: +2}
owners: {ada: 25%, bob: 0.75}
labels: []
any:
scores: {a: 1, b: 0o17}
`)
	if faults != nil {
		t.Fatal(faults)
	}
	if h.Name.V != "home" || !h.Name.Set || !h.Warm.V || h.Rooms[0].Size.V != 31 || h.Rooms[0].Door.Size.V != 2 || h.Garden != nil {
		t.Errorf("got %+v", h)
	}
	if len(h.Owners) != 2 || h.Owners[0].Key != "ada" || h.Owners[0].V != 0.25 || h.Owners[1].V != 0.75 || h.Scores[1].V.V != 15 {
		t.Errorf("got %+v", h.Owners)
	}
	if h.Labels == nil || h.Any.Node == nil || h.Any.Node.Kind != yamlfile.Null {
		t.Error("an empty list or a null is not told from an absent key")
	}
	if h.Name.Pos() != (yamlfile.Pos{Line: 2, Col: 7}) || h.KeyPos("warm") != (yamlfile.Pos{Line: 3, Col: 1}) || h.KeyPos("none") != h.Pos() || !h.Has("rooms") || h.Has("garden") {
		t.Errorf("places: %v, %v", h.Name.Pos(), h.KeyPos("warm"))
	}
}

// TestWrongEntriesAreLeftOut holds that nothing half decoded is left behind.
func TestWrongEntriesAreLeftOut(t *testing.T) {
	h, faults := decode(t, "name: x\nrooms: [5, {size: 1}, null]\ngarden: 5\nowners: {a: , b: 1}")
	if len(faults) != 4 || len(h.Rooms) != 1 || h.Garden != nil || len(h.Owners) != 1 || h.Owners[0].Key != "b" {
		t.Errorf("got %+v, %q", h, faults)
	}
}

func TestDecodeFaults(t *testing.T) {
	for src, want := range map[string]string{
		"nam: home":                     `1:1: unknown key "nam"; expected warm, name, rooms, owners, garden, any, labels or scores; did you mean name`,
		"warm: true":                    `1:1: missing here: "name"`,
		"name: 5":                       `1:7: this is 5; expected text; did you mean "5"`,
		"name: [a]":                     `1:7: this is a list; expected text`,
		"name:":                         `1:1: "name" has no value`,
		"name: x\nwarm: yes":            `2:7: this is the text "yes"; expected true or false`,
		"name: x\nrooms: {size: 1}":     `2:8: this is a mapping; expected a list`,
		"name: x\nrooms: [5, null]":     "2:9: this is 5; expected a mapping\n2:12: this entry is empty",
		"name: x\nrooms: [{size: 1.5}]": `2:16: this is 1.5; expected a whole number`,
		"name: x\nrooms: [{}]":          `2:9: missing here: "size"`,
		"name: x\nrooms: [{size: 99999999999999999999}]": `2:16: the number 99999999999999999999 is out of range; expected a whole number`,
		"name: x\nowners: [a]":                           `2:9: this is a list; expected a mapping`,
		"name: x\nowners: {a: 5, b: [1]}":                "2:13: the share \"5\" is above all; expected 0 … 1 or 0% … 100%; did you mean 5%\n2:19: this is a list; expected text",
		"name: x\nowners: {a}":                           `2:10: "a" has no value; expected ` + yamlfile.FlowHint,
		"name: x\ngarden: 5":                             `2:9: this is 5; expected a mapping`,
		"name: x\nwarn: true":                            `2:1: unknown key "warn"; expected warm, name, rooms, owners, garden, any, labels or scores; did you mean warm`,
		"[]":                                             `1:1: this is a list; expected a mapping`,
	} {
		_, faults := decode(t, src)
		if got := strings.Join(faults, "\n"); got != want {
			t.Errorf("%q:\n got %s\nwant %s", src, got, want)
		}
	}
}

func TestJSONSchema(t *testing.T) {
	text := yamlfile.JSONSchema(house{}, "https://example.com/house", "A house")
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	compact, _ := json.Marshal(got)
	want := `{"$defs":{"house":{"additionalProperties":false,"patternProperties":{"^x-":true},"properties":{"any":{},` +
		`"garden":{"$ref":"#/$defs/room"},"labels":{"items":{"type":"string"},"type":"array"},"name":{"description":"What it is called","type":"string"},` +
		`"owners":{"additionalProperties":{"type":"string"},"type":"object"},"rooms":{"description":"Its rooms","items":{"$ref":"#/$defs/room"},"type":"array"},` +
		`"scores":{"additionalProperties":{"type":"integer"},"type":"object"},"warm":{"type":"boolean"}},"required":["name"],"type":"object"},` +
		`"room":{"additionalProperties":false,"properties":{"door":{"$ref":"#/$defs/room"},"size":{"type":"integer"}},"required":["size"],"type":"object"}},` +
		`"$id":"https://example.com/house","$ref":"#/$defs/house","$schema":"https://json-schema.org/draft/2020-12/schema","title":"A house"}`
	if string(compact) != want {
		t.Errorf("got %s", compact)
	}
}

func TestFaultLines(t *testing.T) {
	fs := yamlfile.Faults{
		{File: "f", What: "whole file"},
		{File: "f", Pos: yamlfile.Pos{Line: 2, Col: 1}, What: "second\nline", Expected: "one", Meant: "that"},
		{File: "f", Pos: yamlfile.Pos{Line: 1, Col: 9}, What: "first"},
		{File: "f", Pos: yamlfile.Pos{Line: 2, Col: 1}, What: "follows from the one before"},
		{Outside: true, From: "--flag", What: "outside"},
	}
	want := "f:1:9: first\nf:2:1: second line; expected one; did you mean that\nf: whole file\n--flag: outside"
	if got := fs.Sorted().Error(); got != want {
		t.Errorf("got %s", got)
	}
	if fs.Err() == nil || (yamlfile.Faults)(nil).Err() != nil {
		t.Error("Err is wrong about whether there are faults")
	}
}
