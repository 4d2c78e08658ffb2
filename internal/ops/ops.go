// Package ops is what those see who run a node: metrics for Prometheus, and
// whether the node lives and can be given work. It is the only one that knows
// Prometheus.
package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metric is one figure of a node. Metrics of one name have one help and the same
// labels.
type Metric struct {
	Name, Help string
	Counter    bool // it only rises; else it is a gauge
	Labels     []Label
	Value      float64
}

// Label tells metrics of one name apart.
type Label struct{ Name, Value string }

// Node is what is asked of a node. Each may be called at any time, by many; nil is
// a node that is always well, or has no figures.
type Node struct {
	Healthy func() error // why it should be started anew; nil: it is well
	Ready   func() error // why it can be given nothing now; nil: it can
	Metrics func() []Metric
}

// registry holds the metrics of one node, and those of its process.
func registry(metrics func() []Metric) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if metrics != nil {
		r.MustRegister(collector(metrics))
	}
	return r
}

// collector asks a node for its figures each time they are wanted.
type collector func() []Metric

// Describe says nothing: which metrics there are is known when they are told.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect tells the figures as they are.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, m := range c() {
		var names, values []string
		for _, l := range m.Labels {
			names, values = append(names, l.Name), append(values, l.Value)
		}
		kind := prometheus.GaugeValue
		if m.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(m.Name, m.Help, names, nil)
		told, err := prometheus.NewConstMetric(desc, kind, m.Value, values...)
		if err != nil {
			told = prometheus.NewInvalidMetric(desc, err)
		}
		out <- told
	}
}

// Handler answers /metrics, /healthz and /readyz: 200, or 503 with the reason.
func Handler(n Node) http.Handler {
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(registry(n.Metrics), promhttp.HandlerOpts{Timeout: 10 * time.Second})
	mux.Handle("GET /metrics", metrics)
	mux.Handle("GET /healthz", check(n.Healthy))
	mux.Handle("GET /readyz", check(n.Ready))
	return mux
}

func check(why func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text := "ok"
		if why != nil {
			if err := why(); err != nil {
				text = err.Error()
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
		_, _ = io.WriteString(w, text+"\n") // whoever asked is gone, or reads it
	})
}

// Bounds of a server for people and programs that watch a node.
const (
	readTime  = 10 * time.Second
	writeTime = 30 * time.Second
	idleTime  = 2 * time.Minute
	endTime   = time.Second // that answers under way have when the server ends
)

// Serve answers what the handler does on ln until ctx ends, and closes it. When it
// returns all that it started has returned. The error is nil after ctx ended.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan struct{})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-ctx.Done():
		case <-ended:
		}
		patience, stop := context.WithTimeout(context.Background(), endTime)
		defer stop()
		if server.Shutdown(patience) != nil {
			_ = server.Close() // its error says no more: some answer was under way
		}
	}()
	err := server.Serve(ln)
	close(ended)
	<-closed
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving %s: %w", ln.Addr(), err)
}
