package session

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"hyperscale"
	"hyperscale/internal/expr"
)

// Compile compiles the workflow of that index. An error names the step and what
// of it cannot be: a checked plan gives one only for what is known no earlier
// than now, such as a target that is no URL once its environment variable is in.
func Compile(plan *hyperscale.Plan, workflow int, in Inputs) (*Program, error) {
	flow := &plan.Workflows[workflow]
	in.UserAgent = cmp.Or(in.UserAgent, "hyperscale")
	if hasControl([]byte(in.UserAgent)) {
		return nil, errors.New("the user agent holds a control character")
	}
	p := &Program{
		source:  hyperscale.NewSource(plan.Seed, flow.Name),
		bySlot:  flow.Load.Kind != hyperscale.LoadClosed && flow.Load.Kind != hyperscale.LoadEach,
		keepJar: flow.KeepJar,
	}
	c := &compiler{resolver: newResolver(p, plan, flow, &in), p: p}
	if err := c.compile(flow); err != nil {
		return nil, fmt.Errorf("workflow %s: %w", flow.Name, err)
	}
	return p, nil
}

// compiler makes a program.
type compiler struct {
	*resolver
	p *Program
}

// compile fills in the program.
func (c *compiler) compile(flow *hyperscale.Workflow) error {
	eachStep(flow.Steps, func(s *hyperscale.Step) {
		c.p.Steps = append(c.p.Steps, stepInfo(s))
	})
	c.p.flow.root = int32(len(c.p.Steps))
	c.p.flow.nodes = make([]node, len(c.p.Steps)+1)
	c.assigned(flow.Steps)
	next := int32(0)
	root := &c.p.flow.nodes[c.p.flow.root]
	root.parent, root.group, root.own = -1, -1, -1
	var err error
	if root.kids, err = c.list(flow.Steps, place{parent: c.p.flow.root, group: -1}, &next); err != nil {
		return err
	}
	for _, name := range flow.Export {
		ref, ok := c.vars[name]
		if !ok {
			ref = -1
		}
		c.p.exports = append(c.p.exports, export{name: name, ref: ref})
	}
	c.p.shareCookies()
	c.p.timeout, c.p.pauses = longest(flow.Steps)
	return c.p.fits()
}

// fits refuses more names than faults can tell apart.
func (p *Program) fits() error {
	if max(len(p.CheckNames), len(p.CaptureNames), len(p.ValueNames)) > math.MaxUint16 {
		return fmt.Errorf("more than %d checks, captures or names", math.MaxUint16)
	}
	return nil
}

// stepInfo names a step.
func stepInfo(s *hyperscale.Step) StepInfo {
	info := StepInfo{Name: s.Name, Kind: s.Kind, Group: s.Kind == hyperscale.StepGroup}
	if s.Request != nil {
		info.Tags = s.Request.Tags
		for i := range s.Request.Checks {
			info.Checks = append(info.Checks, checkName(s, &s.Request.Checks[i]))
		}
	}
	return info
}

// place is where a list of steps stands.
type place struct {
	parent, group int32
	sticky        bool
}

// list compiles steps of one list, nested ones after the one that holds them,
// and gives their nodes.
func (c *compiler) list(steps []hyperscale.Step, at place, next *int32) ([]int32, error) {
	kids := make([]int32, len(steps))
	for i := range steps {
		kids[i] = *next
		*next++
		if err := c.step(&steps[i], kids[i], at, next); err != nil {
			return nil, err
		}
	}
	for i := range steps {
		for _, need := range steps[i].Needs {
			if need < 0 || need >= len(steps) {
				return nil, fmt.Errorf("step %s: needs step %d of %d", steps[i].Name, need, len(steps))
			}
			c.p.flow.nodes[kids[i]].needs++
			of := &c.p.flow.nodes[kids[need]]
			of.followers = append(of.followers, kids[i])
		}
	}
	if hasCycle(steps) {
		return nil, errors.New("steps need each other in a circle")
	}
	return kids, nil
}

// step compiles one step.
func (c *compiler) step(s *hyperscale.Step, n int32, at place, next *int32) error {
	node := &c.p.flow.nodes[n]
	*node = newNode(s, at)
	if s.When != "" {
		var err error
		if node.when, err = c.condition(s.When); err != nil {
			return fmt.Errorf("step %s: when: %w", s.Name, err)
		}
		node.guarded = true
	}
	if err := c.content(s, node, n, next); err != nil {
		if s.Kind >= hyperscale.StepGroup {
			return err // it names its step already
		}
		return fmt.Errorf("step %s: %w", s.Name, err)
	}
	return nil
}

// newNode makes a node without its content.
func newNode(s *hyperscale.Step, at place) node {
	return node{
		kind: s.Kind, guarded: s.Once, once: s.Once, sticky: at.sticky || s.Once,
		onError: cmp.Or(s.OnError, hyperscale.OnErrorContinue), parent: at.parent, group: at.group, own: -1,
	}
}

// condition parses and binds a condition.
func (c *compiler) condition(text string) (*expr.BoundCondition, error) {
	condition, err := expr.ParseCondition(text)
	if err != nil {
		return nil, err
	}
	return condition.Bind(c)
}

// content compiles what a step does.
func (c *compiler) content(s *hyperscale.Step, node *node, n int32, next *int32) error {
	inside := place{parent: n, group: node.group, sticky: node.sticky}
	var err error
	switch s.Kind {
	case hyperscale.StepRequest:
		node.request, err = c.request(s, node.sticky)
	case hyperscale.StepPause:
		node.pause, err = c.pause(&s.Pause)
	case hyperscale.StepSet:
		node.set, err = c.settings(s.Set)
	case hyperscale.StepGroup:
		inside.group, err = c.group(s, node, n)
		if err == nil {
			node.kids, err = c.list(s.Steps, inside, next)
		}
	case hyperscale.StepParallel:
		node.kids, err = c.list(s.Steps, inside, next)
	case hyperscale.StepChoose:
		node.choice, err = c.choices(s, inside, next)
	default:
		err = fmt.Errorf("the kind %d is not known", s.Kind)
	}
	return err
}

// request compiles a request step.
func (c *compiler) request(s *hyperscale.Step, sticky bool) (*request, error) {
	if s.Request == nil {
		return nil, errors.New("a request step without a request")
	}
	t := &s.Request.Transport
	req := &request{carrier: carrier{Transport: t, key: transportKey(t), proxyHeader: proxyHeader(t)}}
	var err error
	if req.message, err = compileMessage(c.resolver, s.Request, &req.carrier); err != nil {
		return nil, err
	}
	if req.verdict, err = compileVerdict(c.resolver, s, sticky); err != nil {
		return nil, err
	}
	req.verdict.keepHead = true
	if head, ok := req.message.constantHead(); ok {
		req.constant = req.outgoing(req.message.origin, head, req.message.content)
	}
	return req, nil
}

// outgoing makes what goes out.
func (r *request) outgoing(origin *Origin, head, body []byte) *Request {
	return &Request{
		Origin: origin, Head: head, Body: body, Timeout: r.carrier.Timeout,
		Keep: r.verdict.keep, KeepHead: r.verdict.keepHead, NoBody: r.message.method == "HEAD",
	}
}

// pause compiles a pause.
func (c *compiler) pause(p *hyperscale.Pause) (*pausePlan, error) {
	if p.Min < 0 || p.Kind == hyperscale.PauseUniform && p.Max < p.Min {
		return nil, errors.New("a pause that is shorter than nothing")
	}
	return &pausePlan{Pause: *p, site: c.Site()}, nil
}

// settings compiles the variables of a set.
func (c *compiler) settings(pairs []hyperscale.Pair) ([]setting, error) {
	all := make([]setting, len(pairs))
	for i, p := range pairs {
		bound, err := c.template(p.Value)
		if err != nil {
			return nil, fmt.Errorf("set %s: %w", p.Name, err)
		}
		all[i] = setting{ref: c.vars[p.Name], value: bound}
	}
	return all, nil
}

// group compiles what a group has beyond its steps.
func (c *compiler) group(s *hyperscale.Step, node *node, n int32) (own int32, err error) {
	plan := groupPlan{node: n, outer: node.group, passes: s.Repeat}
	if s.Until != "" {
		if plan.until, err = c.condition(s.Until); err != nil {
			return 0, fmt.Errorf("step %s: until: %w", s.Name, err)
		}
	} else {
		plan.passes = max(plan.passes, 1)
	}
	node.own = int32(len(c.p.flow.groups))
	c.p.flow.groups = append(c.p.flow.groups, plan)
	return node.own, nil
}

// choices compiles the branches of a choose.
func (c *compiler) choices(s *hyperscale.Step, inside place, next *int32) (*choicePlan, error) {
	plan := &choicePlan{site: c.Site()}
	for _, choice := range s.Choices {
		if choice.Weight < 0 || choice.Weight > math.MaxInt64-plan.total {
			return nil, fmt.Errorf("step %s: a weight of %d", s.Name, choice.Weight)
		}
		kids, err := c.list(choice.Steps, inside, next)
		if err != nil {
			return nil, err
		}
		plan.total += choice.Weight
		plan.branches = append(plan.branches, branchPlan{weight: choice.Weight, kids: kids})
	}
	if plan.total == 0 {
		return nil, fmt.Errorf("step %s: no branch has a weight", s.Name)
	}
	return plan, nil
}

// hasCycle reports whether steps of one list need each other in a circle.
func hasCycle(steps []hyperscale.Step) bool {
	left := make([]int, len(steps))
	followers := make([][]int, len(steps))
	var free []int
	for i := range steps {
		if left[i] = len(steps[i].Needs); left[i] == 0 {
			free = append(free, i)
		}
		for _, need := range steps[i].Needs {
			followers[need] = append(followers[need], i)
		}
	}
	done := 0
	for ; len(free) > 0; done++ {
		last := free[len(free)-1]
		free = free[:len(free)-1]
		for _, i := range followers[last] {
			if left[i]--; left[i] == 0 {
				free = append(free, i)
			}
		}
	}
	return done < len(steps)
}

// shareCookies notes whether cookies that one answer sets may go with another
// request, and which requests need no head of their answer.
func (p *Program) shareCookies() {
	sends := 0
	for i := range p.flow.nodes {
		if p.flow.nodes[i].request != nil {
			sends++
		}
	}
	p.manySends = sends > 1 || len(p.flow.groups) > 0 || p.keepJar
	for i := range p.flow.nodes {
		if r := p.flow.nodes[i].request; r != nil && !p.manySends {
			r.verdict.keepHead = r.carrier.Redirects > 0 || r.verdict.looksAtHead()
			if r.constant != nil {
				r.constant.KeepHead = r.verdict.keepHead
			}
		}
	}
}

// looksAtHead reports whether a check or capture looks into the head, or needs
// to know how the body was encoded.
func (v *verdict) looksAtHead() bool {
	if v.keep > 0 {
		return true
	}
	isHeader := func(c check) bool { return c.kind == hyperscale.CheckHeader }
	fromHead := func(c capture) bool {
		return c.Kind() == expr.CaptureHeader || c.Kind() == expr.CaptureCookie
	}
	return slices.ContainsFunc(v.checks, isHeader) || slices.ContainsFunc(v.captures, fromHead)
}
