package sink

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"hyperscale/internal/reporter"
)

// fakeCollector stands for an OpenTelemetry collector, which the system's packages do
// not have: the receiver of the protocol's own generated code, by gRPC and by HTTP. It
// keeps the newest of what it got, as a collector of cumulative metrics does.
type fakeCollector struct {
	collector.UnimplementedMetricsServiceServer

	mu     sync.Mutex
	got    map[string]*metricspb.Metric
	server map[string]string // attributes of the resource
	token  string            // "": not asked for
	answer *collector.ExportMetricsServiceResponse
	err    error
}

// Export implements collector.MetricsServiceServer.
func (f *fakeCollector) Export(ctx context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	if f.token != "" && strings.Join(md.Get("authorization"), "") != "Bearer "+f.token {
		return nil, status.Error(codes.Unauthenticated, "no token")
	}
	if f.err != nil {
		return nil, f.err
	}
	if f.got == nil {
		f.got, f.server = map[string]*metricspb.Metric{}, map[string]string{}
	}
	for _, r := range req.ResourceMetrics {
		for _, a := range r.Resource.Attributes {
			f.server[a.Key] = a.Value.GetStringValue()
		}
		for _, s := range r.ScopeMetrics {
			for _, m := range s.Metrics {
				f.got[m.Name] = m
			}
		}
	}
	if f.answer != nil {
		return f.answer, nil
	}
	return &collector.ExportMetricsServiceResponse{}, nil
}

// ServeHTTP is OTLP/HTTP with protobuf.
func (f *fakeCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := new(collector.ExportMetricsServiceRequest)
	if err != nil || r.URL.Path != "/v1/metrics" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	ctx := metadata.NewIncomingContext(r.Context(), metadata.Pairs("authorization", r.Header.Get("Authorization")))
	resp, err := f.Export(ctx, req)
	switch {
	case status.Code(err) == codes.Unauthenticated:
		w.WriteHeader(http.StatusUnauthorized)
	case err != nil:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		out, _ := proto.Marshal(resp)
		_, _ = w.Write(out)
	}
}

// collect serves a fake by both ways and gives its addresses.
func collect(t *testing.T, f *fakeCollector) (byHTTP, byGRPC string) {
	t.Helper()
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collector.RegisterMetricsServiceServer(s, f)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	return web.URL, "grpc://" + l.Addr().String()
}

func TestOTLP(t *testing.T) {
	for _, way := range []int{0, 1} {
		f := &fakeCollector{token: "abc"}
		byHTTP, byGRPC := collect(t, f)
		job := sampleJob()
		address := []string{byHTTP, byGRPC}[way]
		_, err := tryOpen(t, "otlp="+address, job, noSecrets)
		if !errors.Is(err, reporter.ErrRefused) {
			t.Errorf("%s without its token: %v", address, err)
		}
		reportAll(t, open(t, "otlp="+address, job, secrets(map[string]string{"HYPERSCALE_OTLP_TOKEN": "abc"})), job)

		same(t, "resource", f.server, map[string]string{"service.name": "hyperscale", "service.version": "1.2.3", "service.instance.id": "m1"})
		m := f.got["hyperscale.requests"]
		same(t, "unit", m.Unit, "{request}")
		if !m.GetSum().IsMonotonic || m.GetSum().AggregationTemporality != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
			t.Errorf("requests are %v", m)
		}
		got := map[string]int64{}
		for _, p := range m.GetSum().DataPoints {
			at := map[string]string{}
			for _, a := range p.Attributes {
				at[a.Key] = a.Value.GetStringValue()
			}
			got[at["outcome"]] = p.GetAsInt()
			if at["workflow"] != badWorkflow || at["step"] != badStep || at["team"] != "a,b c=d" || at["tag_step"] != "of the plan" || at["run"] != string(job.ID) {
				t.Errorf("attributes %v", at)
			}
			if p.StartTimeUnixNano != uint64(job.Begun.UnixNano()) || p.TimeUnixNano != uint64(job.Begun.UnixNano())+3e9 {
				t.Errorf("from %d to %d", p.StartTimeUnixNano, p.TimeUnixNano)
			}
		}
		same(t, "requests", got, map[string]int64{"ok": 27, "failed": 3, "timed_out": 0, "cancelled": 0, "lost": 0})
		h := f.got["hyperscale.response"].GetExponentialHistogram().DataPoints[0]
		sum := uint64(0)
		for _, n := range h.Positive.BucketCounts {
			sum += n
		}
		same(t, "durations", []any{h.Count, sum, *h.Sum, *h.Min, *h.Max, h.Scale}, []any{30, 30, 0.165, 0.001, 0.01, 5})
		same(t, "unit of durations", f.got["hyperscale.response"].Unit, "s")
		same(t, "time of virtual users", f.got["hyperscale.vu.time"].GetSum().DataPoints[0].GetAsDouble(), 7.5)
		same(t, "exit code", f.got["hyperscale.run.exit_code"].GetGauge().DataPoints[0].GetAsInt(), 99)
	}
}

func TestOTLPErrors(t *testing.T) {
	f := &fakeCollector{}
	byHTTP, byGRPC := collect(t, f)
	for _, address := range []string{byHTTP, byGRPC} {
		job := sampleJob()
		r := open(t, "otlp="+address, job, noSecrets)
		f.err = status.Error(codes.Unavailable, "come back later")
		err := r.Windows(within(t), sampleWindows(1))
		if err == nil || errors.Is(err, reporter.ErrRefused) {
			t.Errorf("%s unavailable: %v", address, err)
		}
		var later *reporter.Later
		if address == byHTTP && (!errors.As(err, &later) || later.After.Seconds() != 7) {
			t.Errorf("Retry-After: %v", err)
		}
		f.err = nil
		f.answer = &collector.ExportMetricsServiceResponse{PartialSuccess: &collector.ExportMetricsPartialSuccess{RejectedDataPoints: 3, ErrorMessage: "too many"}}
		if err := r.Windows(within(t), sampleWindows(1)); !errors.Is(err, reporter.ErrRefused) || !strings.Contains(err.Error(), "3 data points") {
			t.Errorf("%s takes a part: %v", address, err)
		}
		f.answer = nil
	}
}
