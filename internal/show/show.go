// Package show puts numbers, names and small pictures into text that people
// read: in the live view, in the summary and in error messages. It is pure:
// the same values give the same text everywhere, whatever the locale.
package show

import (
	"math"
	"strconv"
	"time"

	"hyperscale"
)

// Nothing stands for a number that is not known.
const Nothing = "–"

// Duration gives d with three significant digits and the unit that suits it:
// "0", "342µs", "1.23ms", "12.3s"; from a minute on "1m05s", "2h03m", "3d04h".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-max(d, -math.MaxInt64))
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + "ns"
	}
	for _, u := range []struct {
		name string
		size time.Duration
		end  float64 // in this unit, after rounding
	}{{"µs", time.Microsecond, 999.5}, {"ms", time.Millisecond, 999.5}, {"s", time.Second, 59.95}} {
		if v := float64(d) / float64(u.size); v < u.end {
			return digits(v) + u.name
		}
	}
	return long(d)
}

// long gives a duration of a minute and more in its two greatest units.
func long(d time.Duration) string {
	seconds := int64(math.Round(d.Seconds()))
	switch {
	case seconds < 3600:
		return strconv.FormatInt(seconds/60, 10) + "m" + two(seconds%60) + "s"
	case seconds < 86400:
		return strconv.FormatInt(seconds/3600, 10) + "h" + two(seconds/60%60) + "m"
	}
	return strconv.FormatInt(seconds/86400, 10) + "d" + two(seconds/3600%24) + "h"
}

// Clock gives whole seconds as people read a stopwatch: "0:07", "12:40",
// "1:02:03".
func Clock(d time.Duration) string {
	s := int64(max(d, 0) / time.Second)
	if s < 3600 {
		return strconv.FormatInt(s/60, 10) + ":" + two(s%60)
	}
	return strconv.FormatInt(s/3600, 10) + ":" + two(s/60%60) + ":" + two(s%60)
}

func two(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// digits gives v ≥ 0 with three significant digits, without trailing zeros
// after the point.
func digits(v float64) string {
	switch {
	case v >= 99.95:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 9.995:
		return trimmed(strconv.FormatFloat(v, 'f', 1, 64))
	}
	return trimmed(strconv.FormatFloat(v, 'f', 2, 64))
}

func trimmed(s string) string {
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// Short gives n in at most five characters: "999", "12.3k", "4.57M", "1.2G".
func Short(n int64) string {
	v := float64(n)
	if v < 0 {
		return "-" + Short(-max(n, -math.MaxInt64))
	}
	if n < 10_000 {
		return strconv.FormatInt(n, 10)
	}
	return scaled(v, 1000, "", "k", "M", "G", "T", "P", "E")
}

// Rate gives a number per second: "0", "0.25/s", "12.3/s", "48,120/s".
func Rate(perSecond float64) string {
	switch {
	case math.IsNaN(perSecond) || math.IsInf(perSecond, 0):
		return Nothing
	case perSecond == 0:
		return "0"
	case perSecond >= 999.5:
		return hyperscale.Count(int64(math.Round(perSecond))) + "/s"
	case perSecond < 0.005:
		return digits(perSecond*3600) + "/h"
	}
	return digits(perSecond) + "/s"
}

// Bytes gives a size in decimal units: "512 B", "1.23 MB".
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return scaled(float64(n), 1000, " B", " kB", " MB", " GB", " TB", " PB", " EB")
}

// scaled divides v until it has at most three digits before the point.
func scaled(v, step float64, units ...string) string {
	for v >= step-0.5 && len(units) > 1 {
		v, units = v/step, units[1:]
	}
	return digits(v) + units[0]
}

// Percent gives a share of 0 … 1: "0", "0.05%", "12.3%", "100%". What is not
// quite none or not quite all is never rounded to it.
func Percent(share float64) string {
	p := share * 100
	switch {
	case math.IsNaN(p):
		return Nothing
	case p == 0:
		return "0"
	case p < 0.01:
		return "<0.01%"
	case p >= 99.99 && p < 100:
		return ">99.99%"
	case p >= 99 && p < 99.99:
		return trimmed(strconv.FormatFloat(math.Floor(p*100)/100, 'f', 2, 64)) + "%"
	}
	return digits(p) + "%"
}

// Ratio gives part of whole as a [Percent]; of nothing it is [Nothing].
func Ratio(part, whole int64) string {
	if whole == 0 {
		return Nothing
	}
	return Percent(float64(part) / float64(whole))
}
