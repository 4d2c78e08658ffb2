package engine

import "hyperscale/internal/engine/portable"

// portable is the configuration of the lane's portable driver.
func (l *lane) portable() portable.Config {
	return portable.Config{Names: l.engine.cfg.Names, Clock: l.engine.clock, Done: l.done, Post: l.post}
}
