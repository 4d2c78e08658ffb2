package plan

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperscale"
	"hyperscale/internal/expr"
	"hyperscale/internal/plan/data"
	"hyperscale/internal/plan/yamlfile"
)

// general reads what stands at the top of a plan.
func (r *reader) general() {
	r.plan.Name = baseName(r.name)
	if name := r.file.Name; name.Set && name.V != "" {
		r.plan.Name = name.V
	}
	r.plan.Deadline = time.Duration(r.file.Deadline.V)
	if r.file.Deadline.Set && r.plan.Deadline == 0 {
		r.aboveZero(r.file.Deadline.Pos(), "deadline", "30m")
	}
	if slo := r.file.SLO; slo != nil {
		r.plan.SLO = &hyperscale.SLO{Latency: time.Duration(slo.Latency.V), Rate: hyperscale.Rate(slo.Rate.V)}
		if slo.Rate.Set && slo.Rate.V == 0 {
			r.aboveZero(slo.Rate.Pos(), "rate", "100/s")
		}
	}
	r.plan.Tags = constants(r.file.Tags)
}

// aboveZero notes that what must be above zero is not.
func (r *reader) aboveZero(pos yamlfile.Pos, what, example string) {
	expected := ""
	if example != "" {
		expected = "such as " + example
	}
	r.Fault(pos, what+" must be above zero", expected)
}

// constants gives the entries of a mapping of constant texts.
func constants(m yamlfile.Map[yamlfile.Value[constant]]) []hyperscale.Pair {
	var all []hyperscale.Pair
	for _, p := range m {
		all = append(all, hyperscale.Pair{Name: p.Key, Value: string(p.V.V)})
	}
	return all
}

// target checks the plan's target, which every step with a path stands below.
func (r *reader) target() {
	t := &r.file.Target
	r.plan.Target = t.Text
	if !t.Set || t.Text == DemoTarget {
		return
	}
	faults := t.faults()
	for _, ref := range t.names() {
		at := faults(ref.Offset)
		if v, isVar := r.names.vars[ref.Name]; isVar {
			v.used = true
			maps.Copy(r.names.target, v.sets)
		} else if set, known := r.names.plain(r, ref, at); !known {
			r.unknown(at, ref.Name, nil)
		} else if set != "" {
			r.names.target[set] = true
		}
	}
	text, known := r.names.constant(r, t)
	if !known {
		return
	}
	if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && hosted(u) && u.RawQuery == "" && u.Fragment == "" {
		r.port(t.Pos(), u)
		return
	}
	f := Fault{Pos: t.Pos(), What: fmt.Sprintf("the target %q is no base URL", text), Expected: "http://HOST or https://HOST, without ? and #, or demo"}
	if !strings.Contains(text, "://") && text != "" {
		f.Meant = "http://" + text
	}
	r.Faults = append(r.Faults, f)
}

// hosted reports whether a URL has a host that sessions can reach: a name of ASCII
// letters, digits, '.', '-' and '_', or an IPv6 address in brackets.
func hosted(u *url.URL) bool {
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(u.Hostname())
		return err == nil && addr.Is6()
	}
	host := u.Hostname()
	return host != "" && strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// portForm is what messages expect of the port of a URL.
const portForm = "1 to 65535"

// wrongPort says what is wrong with the port of a URL, "" if it has none or a
// good one.
func wrongPort(u *url.URL) string {
	text := u.Port()
	if port, err := strconv.ParseUint(text, 10, 16); text == "" || err == nil && port > 0 {
		return ""
	}
	return fmt.Sprintf("the port %s is out of range", text)
}

// port refuses a URL whose port there is not.
func (r *reader) port(pos yamlfile.Pos, u *url.URL) {
	if what := wrongPort(u); what != "" {
		r.Fault(pos, what, portForm)
	}
}

// openData opens the data files and settles the seed: that of the plan, or a
// digest of the plan's text and its data.
func (r *reader) openData(text []byte) {
	sum := sha256.New()
	sum.Write(text)
	for i := range r.file.Data {
		entry := &r.file.Data[i]
		r.Wrong(&yamlfile.Node{Pos: entry.Pos}, expr.CheckName(entry.Key))
		if set := r.openSet(entry.Key, &entry.V); set != nil {
			digest := set.Digest()
			sum.Write(digest[:])
		}
	}
	r.plan.Seed = binary.BigEndian.Uint64(sum.Sum(nil))
	if r.file.Seed.Set {
		r.plan.Seed = uint64(r.file.Seed.V)
	}
}

// openSet opens one data file; nil if it can't be used. Its faults are told at
// its key.
func (r *reader) openSet(name string, file *dataFile) *data.Set {
	key, path := data.CSV, &file.CSV
	if file.JSON.Set {
		key, path = data.JSON, &file.JSON
	}
	if file.CSV.Set == file.JSON.Set {
		r.Fault(file.Pos(), fmt.Sprintf("the data set %q needs one file", name), "csv: PATH or json: PATH")
		return nil
	}
	if path.V == "" {
		return nil // its fault is told
	}
	set, err := data.Open(r.path(path.V), key)
	if err != nil {
		f := Fault{Pos: file.KeyPos(key), What: err.Error()}
		if wrong, is := errors.AsType[*data.FileError](err); is {
			wrong.Path = path.V
			f.Expected, wrong.Expected = wrong.Expected, ""
			f.What = wrong.Error()
		}
		r.Faults = append(r.Faults, f)
		return nil
	}
	pick := hyperscale.Pick(file.Pick.V.Word)
	if pick == "" {
		pick = hyperscale.PickShared
	}
	r.sets = append(r.sets, set)
	r.plan.Data = append(r.plan.Data, hyperscale.DataSet{
		Name: name, Format: key, Path: r.path(path.V), Pick: pick, Columns: set.Columns(), Rows: set.Len(),
	})
	return set
}

// variables checks the plan's vars and then its target.
func (r *reader) variables() {
	r.names.declare(r)
	r.names.checkVars(r)
	for _, v := range r.file.Vars {
		r.plan.Vars = append(r.plan.Vars, hyperscale.Pair{Name: v.Key, Value: v.V.Text})
	}
	r.target()
}

// finish fills in what was gathered from the whole plan.
func (r *reader) finish() {
	for name, value := range r.env {
		r.plan.Env = append(r.plan.Env, hyperscale.Pair{Name: name, Value: value})
	}
	slices.SortFunc(r.plan.Env, func(a, b hyperscale.Pair) int { return strings.Compare(a.Name, b.Name) })
}

// isAddress reports whether text is an IP address.
func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
