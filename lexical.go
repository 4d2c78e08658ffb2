package hyperscale

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// The lexical forms of plans and flags, one parser and one formatter each.
// What a formatter writes its parser reads back as the same value.

// LexicalError says why a text does not have the form it should. Its message
// follows the form of all plan errors: what; expected …; did you mean ….
type LexicalError struct {
	What     string // what is wrong with the text, which it quotes
	Expected string // the form that is wanted, with an example
	Meant    string // a likely correction; "": none
}

// Error joins the parts.
func (e *LexicalError) Error() string {
	s := e.What
	if e.Expected != "" {
		s += "; expected " + e.Expected
	}
	if e.Meant != "" {
		s += "; did you mean " + e.Meant
	}
	return s
}

// What each form looks like, as messages say it.
const (
	durationForm = "a duration such as 500ms, 30s or 1m30s"
	rateForm     = "a rate such as 500/s, 30/m or 100/h"
	sizeForm     = "a size such as 512, 64KiB or 1MB"
	shareForm    = "a share such as 0.1% or 0.001"
)

// longest bounds the length of a text that can have a lexical form.
const longest = 64

// durationUnits are the units of durations, longer names first where one begins
// another.
var durationUnits = []struct {
	name string
	size time.Duration
}{
	{"ns", time.Nanosecond}, {"us", time.Microsecond}, {"µs", time.Microsecond}, {"μs", time.Microsecond},
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// ParseDuration reads Go's form of durations, with d for days of 24 hours. Bare
// numbers and negative durations are refused. Parts below a nanosecond are
// dropped.
func ParseDuration(text string) (time.Duration, error) {
	wrong := &LexicalError{What: quoted(text) + " is no duration", Expected: durationForm}
	rest := strings.TrimPrefix(text, "+")
	switch {
	case strings.HasPrefix(text, "-"):
		return 0, &LexicalError{What: "the duration " + quoted(text) + " is negative", Expected: durationForm}
	case rest == "" || len(text) > longest:
		return 0, wrong
	}
	sum := new(big.Int)
	for rest != "" {
		number, after := leadingNumber(rest)
		if number == nil {
			return 0, wrong
		}
		size, next := leadingUnit(after)
		if size == 0 {
			if after == "" {
				wrong.What, wrong.Meant = "the duration "+quoted(text)+" has no unit", text+"s"
			}
			return 0, wrong
		}
		sum.Add(sum, whole(number.Mul(number, new(big.Rat).SetInt64(int64(size)))))
		rest = next
	}
	if !sum.IsInt64() {
		return 0, &LexicalError{What: "the duration " + quoted(text) + " is too long", Expected: "at most 292 years"}
	}
	return time.Duration(sum.Int64()), nil
}

// FormatDuration writes a duration that is not negative with the largest units
// that need no fraction, seconds and below with one: 1h30m, 90s as 1m30s, 1.5s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// rateUnits are the units of rates with the number of them in an hour.
var rateUnits = []struct {
	name    string
	perHour int64
}{{"s", 3600}, {"m", 60}, {"h", 1}}

// ParseRate reads NUMBER/(s|m|h) with at most six decimals. Zero is a rate;
// where it may stand is for the reader of the plan to say.
func ParseRate(text string) (Rate, error) {
	wrong := &LexicalError{What: quoted(text) + " is no rate", Expected: rateForm}
	number, after := leadingNumber(text)
	if number == nil || len(text) > longest {
		return 0, wrong
	}
	if after == "" {
		wrong.What, wrong.Meant = "the rate "+quoted(text)+" has no unit", text+"/s"
		return 0, wrong
	}
	for _, u := range rateUnits {
		if after != "/"+u.name {
			continue
		}
		number.Mul(number, new(big.Rat).SetInt64(1_000_000))
		if !number.IsInt() {
			return 0, &LexicalError{What: "the rate " + quoted(text) + " has more than six decimals", Expected: rateForm}
		}
		units := new(big.Int).Mul(number.Num(), big.NewInt(u.perHour))
		if !units.IsInt64() {
			return 0, &LexicalError{What: "the rate " + quoted(text) + " is too high", Expected: "at most 2000000000/s"}
		}
		return Rate(units.Int64()), nil
	}
	return 0, wrong
}

// String writes the rate in the largest unit that holds it with six decimals.
func (r Rate) String() string {
	for _, u := range rateUnits {
		if int64(r)%u.perHour == 0 {
			return decimal(int64(r)/u.perHour) + "/" + u.name
		}
	}
	return decimal(int64(r)) + "/h"
}

// decimal writes millionths without trailing zeros.
func decimal(millionths int64) string {
	s := new(big.Rat).SetFrac64(millionths, 1_000_000).FloatString(6)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// sizeUnits are the units of sizes, the preferred ones for writing first.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}}

// ParseSize reads a number of bytes, N[kB|KiB|MB|MiB|GB|GiB]. With a unit N may
// have decimals as long as the whole is a number of bytes.
func ParseSize(text string) (int64, error) {
	wrong := &LexicalError{What: quoted(text) + " is no size", Expected: sizeForm}
	number, unit := leadingNumber(text)
	if number == nil || len(text) > longest {
		return 0, wrong
	}
	bytes := int64(1)
	if unit != "" {
		bytes = 0
	}
	for _, u := range sizeUnits {
		switch {
		case unit == u.name:
			bytes = u.bytes
		case strings.EqualFold(unit, u.name) || strings.EqualFold(unit+"B", u.name):
			wrong.Meant = strings.TrimSuffix(text, unit) + u.name
		}
	}
	if bytes == 0 {
		return 0, wrong
	}
	number.Mul(number, new(big.Rat).SetInt64(bytes))
	if !number.IsInt() {
		return 0, &LexicalError{What: "the size " + quoted(text) + " is no whole number of bytes", Expected: sizeForm}
	}
	if !number.Num().IsInt64() {
		return 0, &LexicalError{What: "the size " + quoted(text) + " is too large", Expected: sizeForm}
	}
	return number.Num().Int64(), nil
}

// FormatSize writes a number of bytes in the first of GiB, MiB, KiB, GB, MB, kB
// that needs no decimals, else bare.
func FormatSize(bytes int64) string {
	for _, u := range sizeUnits {
		if bytes >= u.bytes && bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// ParseShare reads N% or 0…1 as a part of one.
func ParseShare(text string) (float64, error) {
	wrong := &LexicalError{What: quoted(text) + " is no share", Expected: shareForm}
	number, after := leadingNumber(text)
	if number == nil || len(text) > longest || after != "" && after != "%" {
		return 0, wrong
	}
	if after == "%" {
		number.Quo(number, new(big.Rat).SetInt64(100))
	}
	if number.Cmp(new(big.Rat).SetInt64(1)) > 0 {
		wrong.What, wrong.Expected = "the share "+quoted(text)+" is above all", "0 … 1 or 0% … 100%"
		if after == "" && number.Cmp(new(big.Rat).SetInt64(100)) <= 0 {
			wrong.Meant = text + "%"
		}
		return 0, wrong
	}
	share, _ := number.Float64()
	return share, nil
}

// FormatShare writes a part of one in percent where that reads back as the same
// number, else as a decimal number.
func FormatShare(share float64) string {
	percent := strconv.FormatFloat(share*100, 'f', -1, 64) + "%"
	if short := strconv.FormatFloat(share*100, 'g', 12, 64) + "%"; !strings.Contains(short, "e") {
		percent = short
	}
	if back, err := ParseShare(percent); err == nil && back == share {
		return percent
	}
	return strconv.FormatFloat(share, 'f', -1, 64)
}

// leadingNumber splits an unsigned decimal number off the front of text. It
// gives nil if there is none.
func leadingNumber(text string) (*big.Rat, string) {
	end, dots, digits := 0, 0, 0
	for ; end < len(text); end++ {
		switch c := text[end]; {
		case '0' <= c && c <= '9':
			digits++
			continue
		case c == '.' && dots == 0:
			dots++
			continue
		}
		break
	}
	if digits == 0 || len(text) > longest {
		return nil, text
	}
	number, ok := new(big.Rat).SetString(text[:end])
	if !ok {
		return nil, text
	}
	return number, text[end:]
}

// leadingUnit splits a unit of durations off the front of text: 0 if none.
func leadingUnit(text string) (time.Duration, string) {
	for _, u := range durationUnits {
		if rest, ok := strings.CutPrefix(text, u.name); ok {
			return u.size, rest
		}
	}
	return 0, text
}

// whole drops the fraction of a number that is not negative.
func whole(n *big.Rat) *big.Int { return new(big.Int).Quo(n.Num(), n.Denom()) }

// quoted is text as messages show it, cut if it is long.
func quoted(text string) string {
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return strconv.Quote(text)
}
