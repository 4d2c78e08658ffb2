package place

import "time"

// unknownLength is for how long a want is reckoned to hold its cores whose plan does
// not say it.
const unknownLength = time.Minute

// Summary is what a placer's table comes to.
type Summary struct {
	Cores, Free int           // of workers that may be given something
	Queued      int64         // core-seconds that those wait for who wait
	Expected    time.Duration // until one more core is free, after those that are waited for; 0: one is, or nobody knows
}

// Summary tells what there is. It is false as long as the placer is new and has yet to
// hear of workers.
func (p *Placer) Summary(now time.Duration) (Summary, bool) {
	if !p.begun || now-p.born < p.config.Settle {
		return Summary{}, false
	}
	look := p.look(now)
	s := Summary{Cores: look.capacity, Free: look.floor.total + look.held}
	for _, w := range p.queue {
		if w.given != nil || w.withdrawn {
			continue
		}
		cores, length := least(w.Want), w.Length
		if length <= 0 {
			length = unknownLength
		}
		look.ahead += cores
		s.Queued += int64(cores) * int64(length/time.Second)
	}
	s.Expected = look.wait(1, false, false)
	return s, true
}
