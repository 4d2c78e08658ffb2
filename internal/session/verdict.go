package session

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
)

// verdict says what a request wants of its answer.
type verdict struct {
	wanted     *expr.StatusSet // nil: below 400
	checks     []check
	captures   []capture
	onlyStatus bool // there is one check, of the status, and no capture
	dynamic    bool // some check compares with what is known only while running
	keep       int64
	keepHead   bool
	once       bool // captures outlive the iteration
}

// check is a check, compiled.
type check struct {
	kind    hyperscale.CheckKind
	fault   Fault
	op      expr.Op         // of time and size
	number  int64           // of time and size
	status  *expr.StatusSet // of status
	text    []byte          // of contains, not-contains, equals and header, when it is known
	want    *expr.Bound     // of the same, when it is not
	pattern *regexp.Regexp  // of matches
	path    *expr.JSONPath  // of json
	compare *expr.BoundComparison
	header  string // lower case
	present bool   // of header: any value will do
}

// capture is a capture, compiled.
type capture struct {
	*expr.Capture
	ref   int32
	name  string // of a header, lower case; of a cookie
	fault Fault
}

// compileVerdict compiles the checks and captures of a request step.
func compileVerdict(r *resolver, step *hyperscale.Step, once bool) (verdict, error) {
	v := verdict{once: once}
	for i := range step.Request.Checks {
		c := &step.Request.Checks[i]
		compiled, err := compileCheck(r, c)
		if err != nil {
			return v, fmt.Errorf("check %s: %w", c.Name, err)
		}
		compiled.fault = NewFault(CheckFailed, index(&r.p.CheckNames, checkName(step, c)))
		v.checks = append(v.checks, compiled)
		v.dynamic = v.dynamic || compiled.want != nil || compiled.compare != nil
	}
	v.wantStatus()
	v.onlyStatus = v.wanted != nil && len(v.checks) == 1 && len(step.Request.Captures) == 0
	for _, c := range step.Request.Captures {
		compiled, err := expr.NewCapture(string(c.Kind), c.Arg, c.Default)
		if err != nil {
			return v, fmt.Errorf("capture %s: %w", c.Name, err)
		}
		name := c.Arg
		if c.Kind == hyperscale.CaptureHeader {
			name = strings.ToLower(name)
		}
		fault := NewFault(CaptureFailed, index(&r.p.CaptureNames, c.Name))
		v.captures = append(v.captures, capture{Capture: compiled, ref: r.vars[c.Name], name: name, fault: fault})
	}
	if v.needsBody() {
		v.keep = max(step.Request.Transport.MaxBody, 1)
	}
	return v, nil
}

// checkName is how a check is shown.
func checkName(step *hyperscale.Step, c *hyperscale.Check) string { return step.Name + ": " + c.Name }

// index gives the place of a name in a list, at the end if it is new.
func index(names *[]string, name string) int {
	for i, n := range *names {
		if n == name {
			return i
		}
	}
	*names = append(*names, name)
	return len(*names) - 1
}

// wantStatus takes the wanted status from the status checks. All of them must
// hold, so what the first wants is as good as any for saying which it was.
func (v *verdict) wantStatus() {
	for i := range v.checks {
		if v.checks[i].kind == hyperscale.CheckStatus {
			v.wanted = v.checks[i].status
			return
		}
	}
}

// needsBody reports whether a check or capture looks into the body.
func (v *verdict) needsBody() bool {
	for i := range v.checks {
		switch v.checks[i].kind {
		case hyperscale.CheckStatus, hyperscale.CheckTime, hyperscale.CheckSize, hyperscale.CheckHeader:
		default:
			return true
		}
	}
	for _, c := range v.captures {
		if c.NeedsBody() {
			return true
		}
	}
	return false
}

// compileCheck compiles one check.
func compileCheck(r *resolver, c *hyperscale.Check) (check, error) {
	compiled := check{kind: c.Kind, number: c.Number, header: strings.ToLower(c.Arg)}
	var err error
	switch c.Kind {
	case hyperscale.CheckStatus:
		compiled.status, err = statusSet(c.Statuses)
	case hyperscale.CheckTime, hyperscale.CheckSize:
		compiled.op, err = wholeOp(c.Op)
	case hyperscale.CheckMatches:
		err = compiled.matches(r, c.Value)
	case hyperscale.CheckJSON:
		err = compiled.json(r, c)
	case hyperscale.CheckHeader:
		if compiled.present = c.Op == "present"; !compiled.present {
			err = compiled.wants(r, c.Value)
		}
	case hyperscale.CheckContains, hyperscale.CheckNotContains, hyperscale.CheckEquals:
		err = compiled.wants(r, c.Value)
	default:
		err = fmt.Errorf("the kind %q is not known", c.Kind)
	}
	return compiled, err
}

// statusSet joins ranges of codes.
func statusSet(ranges []hyperscale.StatusRange) (*expr.StatusSet, error) {
	all := &expr.StatusSet{}
	for _, s := range ranges {
		set, err := expr.ParseStatus(fmt.Sprintf("%d..%d", s.Lo, s.Hi))
		if err != nil {
			return nil, err
		}
		*all = all.Or(set)
	}
	return all, nil
}

// wholeOp reads the op of a check on a number.
func wholeOp(text string) (expr.Op, error) {
	op, rest, err := expr.ParseOp(text)
	if err == nil && (rest != "" || op.OnText()) {
		err = fmt.Errorf("%q cannot compare numbers", text)
	}
	return op, err
}

// wants compiles the text that a check compares with.
func (c *check) wants(r *resolver, text string) error {
	bound, err := r.template(text)
	if err != nil {
		return err
	}
	if known, ok := bound.Constant(); ok {
		c.text = []byte(known)
		return nil
	}
	c.want = bound
	return nil
}

// matches compiles a pattern, which has to be known before the start.
func (c *check) matches(r *resolver, text string) error {
	bound, err := r.template(text)
	if err != nil {
		return err
	}
	known, ok := bound.Constant()
	if !ok {
		return fmt.Errorf("the pattern %q is known only while running; expected text, vars or env alone", text)
	}
	c.pattern, err = regexp.Compile(known)
	return err
}

// json compiles a check on a value in a JSON body.
func (c *check) json(r *resolver, from *hyperscale.Check) error {
	var err error
	if c.path, err = expr.ParseJSONPath(from.Arg); err != nil {
		return err
	}
	op, _, err := expr.ParseOp(from.Op)
	if err != nil {
		return err
	}
	comparison, err := expr.NewComparison(op, from.Value)
	if err != nil {
		return err
	}
	c.compare, err = comparison.Bind(r)
	return err
}

// inTime compares a duration.
func (c *check) inTime(took time.Duration) bool { return c.op.CompareInt(int64(took), c.number) }
