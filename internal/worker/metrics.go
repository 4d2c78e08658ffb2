package worker

import (
	"context"

	"hyperscale/internal/link"
	"hyperscale/internal/ops"
	"hyperscale/internal/worker/agent"
)

// figures is all that metrics tell of a worker.
type figures struct {
	agent.Figures
	links int
	counts
}

// stateNames are the states of holds in metrics.
var stateNames = [...]string{
	link.Preparing: "preparing", link.Prepared: "prepared", link.Refused: "refused", link.Running: "running",
	link.Ended: "ended", link.Stopped: "stopped", link.Broken: "broken",
}

// Metrics tells what the worker has and did; nothing while it does not run.
func (w *Worker) Metrics() []ops.Metric {
	ctx, stop := context.WithTimeout(context.Background(), lookTime)
	defer stop()
	f, ok := w.look(ctx)
	if !ok {
		return nil
	}
	part := func(name, help string, value float64) ops.Metric {
		return ops.Metric{Name: "hyperscale_worker_" + name + "_ratio", Help: help, Value: value}
	}
	gauge := func(name, help string, value int, labels ...ops.Label) ops.Metric {
		return ops.Metric{Name: "hyperscale_worker_" + name, Help: help, Value: float64(value), Labels: labels}
	}
	counter := func(name, help string, value uint64) ops.Metric {
		return ops.Metric{Name: "hyperscale_worker_" + name + "_total", Help: help, Counter: true, Value: float64(value)}
	}
	list := []ops.Metric{
		gauge("cores", "Cores that shares are placed on.", f.Cores),
		gauge("cores_free", "Cores that nobody has.", f.Free),
		gauge("links", "Managers that are linked.", f.links),
		gauge("windows_kept", "Windows that wait for their acknowledgement.", f.Kept),
		gauge("windows_kept_bytes", "Bytes of windows that wait for their acknowledgement.", f.KeptBytes),
		part("cpu", "CPU in use by the worker and its engines, as a part of what they may use, smoothed.", f.Vitals.CPU),
		part("memory", "Memory in use by the worker and its engines, as a part of what they may use, smoothed.", f.Vitals.Memory),
		counter("windows_sent", "Windows sent, each time they were.", f.windowsSent),
		counter("windows_acknowledged", "Windows acknowledged.", f.Acknowledged),
		counter("engines_started", "Engine processes started.", f.enginesStarted),
		counter("engines_died", "Engine processes that died before their end.", f.enginesDied),
		counter("cancels_refused", "Cancels of clients that were shown and refused, for a bad proof.", f.proofsRefused),
	}
	for state, n := range f.Holds {
		list = append(list, gauge("holds", "Shares held, by state.", n, ops.Label{Name: "state", Value: stateNames[state]}))
	}
	return list
}
