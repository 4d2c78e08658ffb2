package route

import (
	"fmt"
	"time"

	"hyperscale"
)

// Datacenter is all that is known of one datacenter at a moment: the inputs of a
// choice. The zero value is one that nobody ever heard.
type Datacenter struct {
	Name     string
	Managers int           // known
	Heard    int           // of these
	Ailing   int           // of these heard: unhealthy, or slow
	Open     int           // open breakers of calls to them
	Cut      bool          // a majority of the gates finds it cut off
	Doubted  bool          // it looks dead, and so many fell with it that it may not be
	Capacity               // by the placer's newest statement
	Age      time.Duration // of that statement
	RTT      time.Duration // upper bound of the round trip to the nearest manager: p95 + 2 × jitter; a guess without samples
	Samples  int           // that the round trip rests on
	Observed time.Duration // latency that jobs saw there lately
	Believed int           // how far that counts, in percent: samples / 10, less as it gets old
	Failed   bool          // within the last 120 s a job failed by it, or it fell
	Worse    []string      // than which it scored at least 1.5 times worse for 10 s
}

// Class is how well a datacenter does.
type Class int

// The classes, best first.
const (
	Healthy   Class = iota
	Busy            // no core is free
	Degraded        // the majority of its managers or of its workers is unhealthy
	Unhealthy       // no manager is heard, or no worker is alive: never chosen
)

// String gives the class as it is shown.
func (c Class) String() string {
	return [...]string{"HEALTHY", "BUSY", "DEGRADED", "UNHEALTHY"}[c]
}

// Class is how well it does. One that looks dead and is doubted to be counts as
// DEGRADED.
func (d Datacenter) Class() Class {
	switch {
	case d.dead() != "":
		return Unhealthy
	case d.Cut, 2*(d.Managers-d.Heard+d.Ailing) > d.Managers, d.Unhealthy > d.Workers:
		return Degraded
	case d.Free <= 0:
		return Busy
	}
	return Healthy
}

// dead says why nothing can run there; "": something can.
func (d Datacenter) dead() string {
	switch {
	case d.Cut && !d.Doubted:
		return "it is cut off"
	case d.Heard == 0 && !d.Doubted && d.Managers == 0:
		return "no manager of it is known"
	case d.Heard == 0 && !d.Doubted:
		return "no manager of it is heard"
	case d.Workers == 0:
		return "no worker of it is known to be alive"
	case d.Cores <= 0:
		return "its workers have no cores"
	}
	return ""
}

// Factor is what a score is multiplied by, in thousandths. Scores are whole numbers,
// so that they are the same wherever they are worked out.
type Factor int64

func (f Factor) of(d time.Duration) time.Duration { return d * time.Duration(f) / 1000 }

// String is the factor as it is read: ×1.5.
func (f Factor) String() string { return fmt.Sprintf("×%g", float64(f)/1000) }

// Score is what a datacenter costs a job, as a latency that what speaks against it
// makes longer: less is better. The formula is the design's
//
//	latency × load × quality × health × 0.9 if preferred
//
// of which it leaves the parts open that are named so below.
type Score struct {
	Total time.Duration

	// Latency is the round trip's upper bound and the latency that jobs saw there,
	// by how far the latter is believed; 1 µs to 1 min.
	Latency time.Duration

	// Load is 1 + 0.5·utilisation + 0.3·q/(q+10) + 0.2·open breakers. Utilisation is
	// the part of all cores that is not free. q is open in the design: the work that
	// waits, in seconds of all cores, so that a large datacenter is not the worse for
	// a queue that it has done with soon.
	Load Factor

	// Quality is open in the design: how far what is known can be trusted. 1, and 0.5
	// for a statement older than 30 s, and up to 0.5 for what ten samples of the round
	// trip lack; twice that for 120 s after a failure.
	Quality Factor

	Health    Factor // 1, 1.5 or 3 by class
	Preferred Factor // 0.9, else 1
}

// byHealth is the factor of each class; UNHEALTHY is never chosen.
var byHealth = [...]Factor{Healthy: 1000, Busy: 1500, Degraded: 3000, Unhealthy: 3000}

// score works the score out.
func (d Datacenter) score(c Config, preferred bool) Score {
	s := Score{Latency: d.latency(), Load: d.load(), Quality: d.quality(c), Health: byHealth[d.Class()], Preferred: 1000}
	if preferred {
		s.Preferred = 900
	}
	s.Total = s.Preferred.of(s.Health.of(s.Quality.of(s.Load.of(s.Latency))))
	return s
}

func (d Datacenter) latency() time.Duration {
	blended := d.RTT + (d.Observed-d.RTT)*time.Duration(d.Believed)/100
	return max(time.Microsecond, min(blended, time.Minute))
}

func (d Datacenter) load() Factor {
	cores := max(d.Cores, 1)
	used := max(0, min(d.Cores-d.Free, cores))
	q := min(max(d.Queued, 0)/time.Duration(cores), 24*time.Hour)
	return 1000 + Factor(500*used/cores) + Factor(300*q/(q+10*time.Second)) + 200*Factor(d.Open)
}

func (d Datacenter) quality(c Config) Factor {
	f := Factor(1000 + 50*max(0, 10-d.Samples))
	if d.stale(c) {
		f += 500
	}
	if d.Failed {
		f *= 2
	}
	return f
}

// stale reports whether the placer's statement is too old to be relied on.
func (d Datacenter) stale(c Config) bool { return d.Age > c.Stale }

// misses says why it can't meet what the plan asks of where it runs; "": it can, or
// nothing is known that speaks against it.
func (d Datacenter) misses(c Config, w Wish) string {
	if w.SLO == nil {
		return ""
	}
	known := d.Samples > 0 || d.Believed > 0
	if ask, is := w.SLO.Latency, d.latency(); known && ask > 0 && is > ask {
		return fmt.Sprintf("its latency is likely %s, and the slo is %s", short(is), short(ask))
	}
	if need := int((w.SLO.Rate + c.PerCore - 1) / c.PerCore); need > d.Cores {
		return fmt.Sprintf("it has %s, and the slo of %v needs about %d", hyperscale.Plural(d.Cores, "core"), w.SLO.Rate, need)
	}
	return ""
}
