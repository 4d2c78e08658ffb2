package plan

import (
	"fmt"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/yamlfile"
)

// The types of plans that may be written in more than one form.

// afterFile is what a workflow waits for: NAME, [NAME, {NAME: always}] or
// {NAME: always}.
type afterFile []dependencyFile

// dependencyFile is one workflow that is waited for.
type dependencyFile struct {
	Name   string
	Pos    yamlfile.Pos
	Always bool
}

func (v *afterFile) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = afterFile{}
	switch n.Kind {
	case yamlfile.List:
		for _, item := range n.Items {
			v.add(d, item)
		}
	default:
		v.add(d, n)
	}
}

// add takes NAME or {NAME: always, …}.
func (v *afterFile) add(d *yamlfile.Decoder, n *yamlfile.Node) {
	switch n.Kind {
	case yamlfile.Text:
		*v = append(*v, dependencyFile{Name: n.Text, Pos: n.Pos})
	case yamlfile.Mapping:
		for _, e := range n.Entries {
			if e.Value.Kind != yamlfile.Text || e.Value.Text != "always" {
				d.Fault(e.Value.Pos, "only always can follow the name of a workflow here", "{"+e.Key+": always}, or the name alone")
			}
			*v = append(*v, dependencyFile{Name: e.Key, Pos: e.Pos, Always: true})
		}
	default:
		d.Fault(n.Pos, "this is "+n.Kind.String(), "the name of a workflow, or {NAME: always}")
	}
}

func (*afterFile) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	always := yamlfile.Schema{"type": "object", "additionalProperties": yamlfile.Schema{"const": "always"}}
	name := yamlfile.Schema{"type": "string"}
	return anyOf(name, always, yamlfile.Schema{"type": "array", "items": anyOf(name, always)})
}

// basicFile is [USER, PASSWORD].
type basicFile struct {
	User, Password template
	Set            bool
}

func (v *basicFile) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	v.Set = true
	if n.Kind != yamlfile.List || len(n.Items) != 2 {
		d.Fault(n.Pos, "basic credentials are two texts", "[USER, PASSWORD]")
		return
	}
	v.User.DecodeYAML(d, n.Items[0])
	v.Password.DecodeYAML(d, n.Items[1])
}

func (*basicFile) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"type": "array", "items": anyScalar(), "minItems": 2, "maxItems": 2}
}

// jsonFile is a JSON document.
type jsonFile struct{ Node *yamlfile.Node }

func (v *jsonFile) DecodeYAML(_ *yamlfile.Decoder, n *yamlfile.Node) { v.Node = n }

func (*jsonFile) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema { return yamlfile.Schema{} }

// TakesNull says that null is a document.
func (*jsonFile) TakesNull() {}

// partFile is a field of a multipart form: TEXT or {file: PATH, type: T}.
type partFile struct {
	Text template
	File *uploadFile
}

// uploadFile is a file that is sent as a field.
type uploadFile struct {
	yamlfile.Place
	File yamlfile.Value[string] `yaml:"file,required" doc:"Path of the file"`
	Type yamlfile.Value[string] `yaml:"type" doc:"Media type; default: by the file's ending"`
}

func (v *partFile) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	if n.Kind != yamlfile.Mapping {
		v.Text.DecodeYAML(d, n)
		return
	}
	v.File = &uploadFile{}
	d.Decode(n, v.File)
}

func (*partFile) DescribeYAML(s *yamlfile.Schemer) yamlfile.Schema {
	return anyOf(anyScalar(), yamlfile.SchemaOf[uploadFile](s))
}

// captureFile is a capture: TEXT or {KIND: ARGUMENT, default: TEXT}.
type captureFile struct{ hyperscale.Capture }

// captureMap is a capture with its parts apart.
type captureMap struct {
	yamlfile.Place
	JSON    yamlfile.Value[string]   `yaml:"json" doc:"JSON path"`
	Regex   yamlfile.Value[string]   `yaml:"regex" doc:"Regular expression (RE2); the first group, or the match"`
	Header  yamlfile.Value[string]   `yaml:"header" doc:"Name of a header"`
	Cookie  yamlfile.Value[string]   `yaml:"cookie" doc:"Name of a cookie"`
	Default yamlfile.Value[constant] `yaml:"default" doc:"Value when there is none"`
}

func (v *captureFile) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	if n.Kind == yamlfile.Mapping {
		v.apart(d, n)
		return
	}
	text, ok := d.AnyText(n)
	if !ok {
		return
	}
	c, err := expr.ParseCapture(text)
	if d.Wrong(n, err); err != nil {
		return
	}
	v.Kind, v.Arg = hyperscale.CaptureKind(c.Kind().String()), c.Arg()
	if text, ok := c.Default(); ok {
		v.Default = &text
	}
}

// apart takes {KIND: ARGUMENT, default: TEXT}.
func (v *captureFile) apart(d *yamlfile.Decoder, n *yamlfile.Node) {
	var m captureMap
	d.Decode(n, &m)
	found := 0
	for kind, arg := range map[string]*yamlfile.Value[string]{"json": &m.JSON, "regex": &m.Regex, "header": &m.Header, "cookie": &m.Cookie} {
		if !arg.Set {
			continue
		}
		found++
		v.Kind, v.Arg = hyperscale.CaptureKind(kind), arg.V
		_, err := expr.NewCapture(kind, arg.V, nil)
		d.Wrong(arg.Node, err)
	}
	if found != 1 {
		d.Fault(n.Pos, fmt.Sprintf("%d places to capture from", found), "one of json, regex, header or cookie")
	}
	if m.Default.Set {
		text := string(m.Default.V)
		v.Default = &text
	}
}

func (*captureFile) DescribeYAML(s *yamlfile.Schemer) yamlfile.Schema {
	return anyOf(pattern(`\s*(json|regex|header|cookie|status|body)\b[\s\S]*`), yamlfile.SchemaOf[captureMap](s))
}

// statuses are answer codes: 200, 2xx, 200..299 or a list of these.
type statuses []hyperscale.StatusRange

func (v *statuses) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	items := []*yamlfile.Node{n}
	if n.Kind == yamlfile.List {
		items = n.Items
		if len(items) == 0 {
			d.Fault(n.Pos, "no status is listed", "200, [200, 201], 2xx or 200..299")
		}
	}
	for _, item := range items {
		set := oneLexical(d, item, expr.ParseStatus)
		*v = append(*v, rangesOf(&set)...)
	}
}

// rangesOf gives the codes of a set as ranges.
func rangesOf(set *expr.StatusSet) (ranges []hyperscale.StatusRange) {
	const lowest, highest = 100, 999
	for code := lowest; code <= highest; code++ {
		last := len(ranges) - 1
		switch {
		case !set.Has(code):
		case last >= 0 && ranges[last].Hi == code-1:
			ranges[last].Hi = code
		default:
			ranges = append(ranges, hyperscale.StatusRange{Lo: code, Hi: code})
		}
	}
	return ranges
}

func (*statuses) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	one := anyOf(yamlfile.Schema{"type": "integer", "minimum": 100, "maximum": 999}, pattern(`([1-9]xx|\d{3}(\.\.\d{3})?)`))
	return anyOf(one, yamlfile.Schema{"type": "array", "items": one, "minItems": 1})
}

// numberCheck is OP VALUE, where the value is a number of nanoseconds or bytes.
type numberCheck struct {
	Op     string
	Number int64
}

// decode takes OP VALUE by the parser of the value.
func (v *numberCheck) decode(d *yamlfile.Decoder, n *yamlfile.Node, example string, parse func(string) (int64, error)) {
	text, ok := d.AnyText(n)
	if !ok {
		return
	}
	op, rest, err := expr.ParseOp(text)
	if err != nil || op.OnText() {
		f := yamlfile.Fault{Pos: n.Pos, What: fmt.Sprintf("%q has no comparison", text), Expected: "such as " + example}
		if _, err := parse(text); err == nil {
			f.Meant = "< " + text
		}
		d.Faults = append(d.Faults, f)
		return
	}
	v.Op = op.String()
	v.Number, err = parse(rest)
	d.Wrong(n, err)
}

// timeCheck is OP DURATION.
type timeCheck struct{ numberCheck }

func (v *timeCheck) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	v.decode(d, n, "< 800ms", func(text string) (int64, error) {
		took, err := hyperscale.ParseDuration(text)
		return int64(took), err
	})
}

func (*timeCheck) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return pattern(`\s*(==|!=|<=?|>=?)\s*` + durationPattern)
}

// sizeCheck is OP SIZE.
type sizeCheck struct{ numberCheck }

func (v *sizeCheck) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	v.decode(d, n, "< 64KiB", hyperscale.ParseSize)
}

func (*sizeCheck) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return pattern(`\s*(==|!=|<=?|>=?)\s*` + sizePattern)
}

// comparison is VALUE or OP VALUE.
type comparison struct{ Parsed *expr.Comparison }

func (v *comparison) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	text, ok := d.AnyText(n)
	if !ok {
		return
	}
	var err error
	if n.Kind == yamlfile.Text {
		v.Parsed, err = expr.ParseComparison(text)
	} else {
		v.Parsed, err = expr.NewComparison(expr.Equal, text)
	}
	d.Wrong(n, err)
}

func (*comparison) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema { return anyScalar() }

// thresholdFile is a threshold as it is written: TEXT, or SCOPE: TEXT.
type thresholdFile struct {
	Scope, Text       string
	Scoped            bool // it has a scope
	Read              bool // the text is one, be it empty
	ScopePos, TextPos yamlfile.Pos
	Node              *yamlfile.Node // of the text; nil: not in the file
}

func (v *thresholdFile) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	if n.Kind == yamlfile.Mapping {
		if len(n.Entries) != 1 {
			d.Fault(n.Pos, fmt.Sprintf("a threshold of %d scopes", len(n.Entries)), "SCOPE: CONDITION, each in an entry of its own")
			return
		}
		v.Scope, v.Scoped, v.ScopePos = n.Entries[0].Key, true, n.Entries[0].Pos
		n = n.Entries[0].Value
	}
	v.Node, v.TextPos = n, n.Pos
	v.Text, v.Read = d.Text(n), n.Kind == yamlfile.Text
}

func (*thresholdFile) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	text := yamlfile.Schema{"type": "string"}
	return anyOf(text, yamlfile.Schema{"type": "object", "additionalProperties": text, "minProperties": 1, "maxProperties": 1})
}
