package plan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/yamlfile"
)

// The scalar types of plans: each parses itself and describes its schema.

// Patterns of the lexical forms, for the schema.
const (
	numberPattern   = `(\d+(\.\d*)?|\.\d+)`
	durationPattern = `(` + numberPattern + `(ns|us|µs|ms|s|m|h|d))+`
	ratePattern     = numberPattern + `/(s|m|h)`
	sizePattern     = numberPattern + `([kKMG]i?B)?`
)

// pattern is the schema of text that matches a regular expression.
func pattern(p string) yamlfile.Schema {
	return yamlfile.Schema{"type": "string", "pattern": "^" + p + "$"}
}

// anyOf is the schema of what has one of several.
func anyOf(schemas ...yamlfile.Schema) yamlfile.Schema { return yamlfile.Schema{"anyOf": schemas} }

// oneLexical takes a scalar by the parser of its form.
func oneLexical[T any](d *yamlfile.Decoder, n *yamlfile.Node, parse func(string) (T, error)) (v T) {
	text, ok := d.AnyText(n)
	if !ok {
		return v
	}
	v, err := parse(text)
	d.Wrong(n, err)
	return v
}

// duration is a DURATION.
type duration time.Duration

func (v *duration) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = duration(oneLexical(d, n, hyperscale.ParseDuration))
}

func (*duration) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return pattern(`\+?` + durationPattern)
}

// rate is a RATE.
type rate hyperscale.Rate

func (v *rate) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = rate(oneLexical(d, n, hyperscale.ParseRate))
}

func (*rate) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema { return pattern(ratePattern) }

// size is a SIZE.
type size int64

func (v *size) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = size(oneLexical(d, n, hyperscale.ParseSize))
}

func (*size) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return anyOf(pattern(sizePattern), yamlfile.Schema{"type": "integer", "minimum": 0})
}

// share is a SHARE.
type share float64

func (v *share) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = share(oneLexical(d, n, hyperscale.ParseShare))
}

func (*share) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return anyOf(pattern(numberPattern+"%?"), yamlfile.Schema{"type": "number", "minimum": 0, "maximum": 1})
}

// seed is the seed of the draws.
type seed uint64

func (v *seed) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	if d.Want(n, yamlfile.Int) {
		*v = seed(oneLexical(d, n, parseSeed))
	}
}

func parseSeed(text string) (uint64, error) {
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, &hyperscale.LexicalError{What: fmt.Sprintf("%q is no seed", text), Expected: "a whole number from 0 to 18446744073709551615"}
	}
	return v, nil
}

func (*seed) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"type": "integer", "minimum": 0}
}

// level is what a stage goes to: a number of virtual users or a rate.
type level struct {
	VUs    int64
	Rate   hyperscale.Rate
	IsRate bool
}

func (v *level) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	if n.Kind == yamlfile.Int {
		v.VUs = d.Int(n)
		return
	}
	v.IsRate = true
	v.Rate = oneLexical(d, n, hyperscale.ParseRate)
}

func (*level) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return anyOf(yamlfile.Schema{"type": "integer", "minimum": 0}, pattern(ratePattern))
}

// pause is how long a pause waits: D, D..D or exp D.
type pause hyperscale.Pause

func (v *pause) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	*v = pause(oneLexical(d, n, parsePause))
}

func parsePause(text string) (p hyperscale.Pause, err error) {
	if mean, is := strings.CutPrefix(text, "exp "); is {
		p.Kind = hyperscale.PauseExponential
		p.Min, err = hyperscale.ParseDuration(strings.TrimSpace(mean))
		return p, err
	}
	low, high, uniform := strings.Cut(text, "..")
	if p.Min, err = hyperscale.ParseDuration(low); err != nil || !uniform {
		return p, pauseForm(err)
	}
	p.Kind = hyperscale.PauseUniform
	if p.Max, err = hyperscale.ParseDuration(high); err != nil {
		return p, pauseForm(err)
	}
	if p.Max < p.Min {
		return p, &hyperscale.LexicalError{What: fmt.Sprintf("the pause %q ends before it begins", text), Expected: "the shorter time first"}
	}
	return p, nil
}

// pauseForm says what a pause may look like.
func pauseForm(err error) error {
	if wrong, is := errors.AsType[*hyperscale.LexicalError](err); is {
		wrong.Expected = "2s, 1s..3s or exp 2s"
	}
	return err
}

func (*pause) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return pattern(`((exp +)?` + durationPattern + `|` + durationPattern + `\.\.` + durationPattern + `)`)
}

// constant is text that no template may be in.
type constant string

func (v *constant) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	text, _ := d.AnyText(n)
	if at := strings.Index(text, "{{"); at >= 0 {
		d.Fault(n.At(at), "a template can't stand here", "text that is known before the start")
	}
	*v = constant(text)
}

func (*constant) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema { return anyScalar() }

// anyScalar is the schema of text that may be written without quotes whatever it
// looks like.
func anyScalar() yamlfile.Schema {
	return yamlfile.Schema{"type": []string{"string", "number", "boolean"}}
}

// template is text that may have templates in it.
type template struct {
	Text   string
	Set    bool
	Node   *yamlfile.Node // nil: not from the file
	From   string         // what it is from if not from the file: "--var region"
	Parsed *expr.Template
}

func (v *template) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	v.Node, v.Set = n, true
	v.Text, _ = d.AnyText(n)
	var err error
	v.Parsed, err = expr.ParseTemplate(v.Text)
	d.Wrong(n, err)
}

func (*template) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema { return anyScalar() }

// Pos is the place of the text.
func (v *template) Pos() yamlfile.Pos {
	if v.Node == nil {
		return yamlfile.Pos{}
	}
	return v.Node.Pos
}

// faults gives an empty fault at the byte at an offset of the text; offsets are
// asked for in ascending order.
func (v *template) faults() func(offset int) Fault {
	if v.Node == nil {
		return func(int) Fault { return Fault{Outside: true, From: v.From} }
	}
	places := v.Node.Places()
	return func(offset int) Fault { return Fault{Pos: places(offset)} }
}

// names are the names that the text uses.
func (v *template) names() []expr.NameRef {
	if v.Parsed == nil {
		return nil
	}
	return v.Parsed.Names()
}

// constant reports whether the text has no template in it.
func (v *template) constant() bool { return !strings.Contains(v.Text, "{{") }

// condition is a condition.
type condition struct {
	Text   string
	Node   *yamlfile.Node
	Parsed *expr.Condition
}

func (v *condition) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	v.Node = n
	v.Text, _ = d.AnyText(n)
	var err error
	v.Parsed, err = expr.ParseCondition(v.Text)
	d.Wrong(n, err)
}

func (*condition) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"type": "string"}
}

// vocabulary is a set of words.
type vocabulary interface{ words() []string }

// choice is one word of a vocabulary.
type choice[V vocabulary] struct{ Word string }

func (v *choice[V]) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	var set V
	word := d.Text(n)
	if n.Kind != yamlfile.Text || slices.Contains(set.words(), word) {
		v.Word = word
		return
	}
	d.Faults = append(d.Faults, yamlfile.Fault{
		Pos: n.Pos, What: fmt.Sprintf("%q can't stand here", word),
		Expected: yamlfile.OneOf(set.words()), Meant: expr.Nearest(word, set.words()),
	})
}

func (v *choice[V]) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	var set V
	return yamlfile.Schema{"enum": set.words()}
}

// The vocabularies.
type (
	onErrors    struct{}
	picks       struct{}
	keep        struct{}
	arrivals    struct{}
	compress    struct{}
	connections struct{}
)

func (onErrors) words() []string { return []string{"continue", "stop", "stop-vu", "abort"} }
func (picks) words() []string    { return []string{"shared", "unique", "random", "by-vu"} }
func (keep) words() []string     { return []string{"keep"} }
func (arrivals) words() []string { return []string{"fixed", "poisson"} }
func (compress) words() []string { return []string{"gzip"} }
func (connections) words() []string {
	return []string{"per-vu", "shared", "per-iteration", "per-request"}
}

// httpVersion is the version of HTTP, as number or text.
type httpVersion int

func (v *httpVersion) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	switch text, _ := d.AnyText(n); text {
	case "1.1":
		*v = 1
	case "2":
		*v = 2
	case "":
	default:
		d.Fault(n.Pos, fmt.Sprintf("%q is no version of HTTP that can be used", text), "1.1 or 2")
	}
}

func (*httpVersion) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"enum": []any{1.1, 2, "1.1", "2"}}
}

// tlsVersion is the lowest version of TLS, as number or text.
type tlsVersion string

func (v *tlsVersion) DecodeYAML(d *yamlfile.Decoder, n *yamlfile.Node) {
	text, ok := d.AnyText(n)
	if ok && text != "1.2" && text != "1.3" {
		d.Fault(n.Pos, fmt.Sprintf("%q is no version of TLS that can be asked for", text), "1.2 or 1.3")
	}
	*v = tlsVersion(text)
}

func (*tlsVersion) DescribeYAML(*yamlfile.Schemer) yamlfile.Schema {
	return yamlfile.Schema{"enum": []any{1.2, 1.3, "1.2", "1.3"}}
}
