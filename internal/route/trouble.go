package route

import (
	"fmt"
	"time"
)

// Correlation says how far it looks as if datacenters fell for one reason.
type Correlation int

// The correlations.
const (
	None   Correlation = iota
	Low                // two fell together
	Medium             // three did
	High               // at least four and half of them, or all where there are three at most
)

// String is the correlation in words.
func (c Correlation) String() string { return [...]string{"none", "low", "medium", "high"}[c] }

// correlate judges that so many of all fell together. One alone never says anything.
func correlate(fell, all int) Correlation {
	switch {
	case fell < 2:
		return None
	case fell >= 4 && 2*fell >= all, all <= 3 && fell == all:
		return High
	case fell >= 3:
		return Medium
	}
	return Low
}

// fallen is how many datacenters fell within the last 30 s.
func (r *Router) fallen(now time.Duration) int {
	n := 0
	for _, s := range r.sites {
		if s.fell.within(now, r.config.Together) {
			n++
		}
	}
	return n
}

// Correlation judges the datacenters that fell within the last 30 s.
func (r *Router) Correlation(now time.Duration) Correlation {
	return correlate(r.fallen(now), len(r.sites))
}

// fall notes that a datacenter begins to look dead. Where several do at once, the
// first suspect is what they have in common: the way from here.
func (r *Router) fall(now time.Duration, name string, note Note) []Note {
	r.sites[name].fell, r.sites[name].failed = at(now), at(now)
	notes := []Note{note}
	if c := r.Correlation(now); c >= Medium {
		r.doubt = at(now)
		notes = append(notes, Note{What: "own network suspected", Detail: fmt.Sprintf(
			"%d of %d datacenters fell within %s (correlation %v): they count as DEGRADED, and nothing is evacuated for %s",
			r.fallen(now), len(r.sites), whole(r.config.Together), c, whole(r.config.Quiet))})
	}
	return notes
}

// doubted reports whether a datacenter looks dead that fell together with so many
// others that it may be alive.
func (r *Router) doubted(now time.Duration, s *site) bool {
	return s.dark() && r.doubt.within(now, r.config.Quiet) && s.fell.within(now, r.config.Quiet+r.config.Together)
}

// cutOff takes in that a datacenter is cut off. What was chosen before holds no more.
func (r *Router) cutOff(now time.Duration, name string) []Note {
	s := r.sites[name]
	if s == nil || s.cut {
		return nil
	}
	dark := s.dark()
	s.cut, r.cut = true, at(now)
	note := Note{"datacenter cut off", name, "a majority of the gates hears none of its managers; what was chosen before is chosen anew"}
	if dark {
		return []Note{note}
	}
	return r.fall(now, name, note)
}

func (r *Router) heal(name string) []Note {
	s := r.sites[name]
	if s == nil || !s.cut {
		return nil
	}
	s.cut = false
	return []Note{{"datacenter healed", name, "it is no longer cut off"}}
}

// Evacuate reports whether the slots that a datacenter holds may be given to others,
// and if not, why. To be asked before it is done.
func (r *Router) Evacuate(now time.Duration, name string) (ok bool, why string) {
	s := r.sites[name]
	switch {
	case s != nil && !s.dark():
		return false, fmt.Sprintf("datacenter %s is heard", name)
	case r.doubt.within(now, r.config.Quiet):
		return false, fmt.Sprintf("several datacenters fell at once, which may be the network of this gate: nothing is evacuated for another %s",
			whole(r.doubt.at+r.config.Quiet-now))
	}
	return true, ""
}

// Lost reports whether none of its managers was heard for 300 s, or since it became
// known: whatever the others do, a job need not wait for it any longer. Of one that is
// not known nothing is said.
func (r *Router) Lost(now time.Duration, name string) bool {
	s := r.sites[name]
	return s != nil && s.heard() == 0 && now-s.silent >= r.config.Lost
}
