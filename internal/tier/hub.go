package tier

import (
	"encoding/json"
	"sync"

	"hyperscale/internal/job/owner"
	"hyperscale/internal/rpc"
)

// hub gives what a job shows to those who watch it. A watcher that does not keep
// up misses live numbers and nothing else: the newest replaces those before.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
	last     *rpc.Live
	done     chan struct{} // closed: the job is not owned here any more
}

// watcher is one who watches the live numbers.
type watcher struct {
	bell    chan struct{}
	live    *rpc.Live
	windows []rpc.Window
}

// mostWindows bounds the windows that wait for a watcher.
const mostWindows = 600

func newHub() *hub { return &hub{watchers: map[*watcher]bool{}, done: make(chan struct{})} }

// join adds a watcher, who is shown the newest at once.
func (h *hub) join() *watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &watcher{bell: make(chan struct{}, 1), live: h.last}
	w.bell <- struct{}{}
	h.watchers[w] = true
	return w
}

func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

// show gives all watchers the newest.
func (h *hub) show(live rpc.Live, windows []rpc.Window) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = &live
	for w := range h.watchers {
		w.live = &live
		w.windows = append(w.windows, windows...)
		if n := len(w.windows); n > mostWindows {
			w.windows = w.windows[n-mostWindows:]
		}
		select {
		case w.bell <- struct{}{}:
		default:
		}
	}
}

// take gives a watcher what it was not given yet, the windows first.
func (h *hub) take(w *watcher) []rpc.Update {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []rpc.Update
	for _, win := range w.windows {
		list = append(list, win)
	}
	if w.live != nil {
		list = append(list, *w.live)
	}
	w.windows, w.live = nil, nil
	return list
}

func (h *hub) close() { close(h.done) }

// show gives watchers what the owner shows.
func (d *desk) show(e owner.Show) {
	text, err := json.Marshal(e.Progress)
	if err != nil {
		d.log.Error("the progress can't be put into words", "reason", err)
		return
	}
	var windows []rpc.Window
	for _, w := range e.Windows {
		windows = append(windows, rpc.Window{Data: w.AppendBinary(nil)})
	}
	d.hub.show(rpc.Live{Progress: text}, windows)
	d.tells.show(e.First, e.Windows)
}
