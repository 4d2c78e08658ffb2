package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"hyperscale/internal/reporter"
	"hyperscale/internal/stats"
)

// otlp sends cumulative metrics to an OpenTelemetry collector, or to whatever else
// takes OTLP.
type otlp struct {
	job      *reporter.Job
	resource *resourcepb.Resource
	export   func(context.Context, *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error)
	close    func() error
	totals   totals
}

// otlpSchemes are the ways there: OTLP/HTTP with protobuf, and OTLP/gRPC.
var otlpSchemes = []string{"http", "https", "grpc", "grpcs"}

func checkOTLP(address string) error {
	_, err := parseOTLP(address)
	return err
}

func parseOTLP(address string) (*url.URL, error) {
	u, err := parseURL("otlp", address, "/v1/metrics", otlpSchemes...)
	if err == nil && u.Scheme[0] == 'g' && u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), "4317")
	}
	return u, err
}

func openOTLP(ctx context.Context, address string, job *reporter.Job, secret Secrets) (reporter.Reporter, error) {
	at, err := parseOTLP(address)
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	c, err := loginOf(secret, "otlp")
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	o := &otlp{job: job, resource: &resourcepb.Resource{Attributes: attributes([]label{
		{"service.name", "hyperscale"}, {"service.version", job.Version}, {"service.instance.id", string(job.Node)},
	})}}
	if at.Scheme[0] == 'g' {
		err = o.overGRPC(at, c, job.Version)
	} else {
		o.overHTTP(at, c, job.Version)
	}
	if err != nil {
		return nil, reporter.Refused("%w", err)
	}
	if err := o.send(ctx, nil); err != nil {
		_ = o.Close()
		return nil, err
	}
	return o, nil
}

func (o *otlp) overHTTP(at *url.URL, c login, version string) {
	p := newPoster(at, c, "Bearer", version)
	o.close = func() error { p.close(); return nil }
	o.export = func(ctx context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
		body, err := proto.Marshal(req)
		if err != nil {
			return nil, reporter.Refused("%w", err)
		}
		answer, err := p.post(ctx, body, map[string]string{"Content-Type": "application/x-protobuf"})
		if err != nil {
			return nil, err
		}
		resp := new(collector.ExportMetricsServiceResponse)
		if err := proto.Unmarshal(answer, resp); err != nil {
			return nil, reporter.Refused("%s://%s%s does not answer as OTLP does: %w", at.Scheme, at.Host, at.Path, err)
		}
		return resp, nil
	}
}

func (o *otlp) overGRPC(at *url.URL, c login, version string) error {
	var over credentials.TransportCredentials = insecure.NewCredentials()
	if at.Scheme == "grpcs" {
		over = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	dialer := &net.Dialer{Control: allowed}
	conn, err := grpc.NewClient("passthrough:///"+at.Host, grpc.WithTransportCredentials(over), grpc.WithUserAgent("hyperscale/"+version),
		grpc.WithContextDialer(func(ctx context.Context, to string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", to) }))
	if err != nil {
		return err
	}
	client := collector.NewMetricsServiceClient(conn)
	o.close = conn.Close
	o.export = func(ctx context.Context, req *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
		if c.token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
		}
		resp, err := client.Export(ctx, req)
		return resp, grpcFault(at, err)
	}
	return nil
}

// grpcFault says what an error of gRPC means, as OTLP has it: which codes are worth
// another attempt.
func grpcFault(at *url.URL, err error) error {
	if err == nil {
		return nil
	}
	s, _ := status.FromError(err)
	text := fmt.Sprintf("%s://%s answers %s: %s", at.Scheme, at.Host, s.Code(), oneLine(s.Message()))
	switch s.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss, codes.ResourceExhausted:
		return errors.New(text)
	case codes.Unauthenticated, codes.PermissionDenied:
		text += " (set HYPERSCALE_OTLP_TOKEN)"
	}
	return reporter.Refused("%s", text)
}

// send exports metrics.
func (o *otlp) send(ctx context.Context, list []*metricspb.Metric) error {
	resp, err := o.export(ctx, &collector.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: o.resource,
		ScopeMetrics: []*metricspb.ScopeMetrics{{
			Scope:   &commonpb.InstrumentationScope{Name: "hyperscale", Version: o.job.Version},
			Metrics: list,
		}},
	}}})
	if err != nil {
		return err
	}
	if part := resp.GetPartialSuccess(); part.GetRejectedDataPoints() > 0 {
		return reporter.Refused("%d data points are not taken: %s", part.GetRejectedDataPoints(), oneLine(part.GetErrorMessage()))
	}
	return nil
}

// Windows implements [reporter.Reporter].
func (o *otlp) Windows(ctx context.Context, batch []reporter.Window) error {
	o.totals.add(batch)
	from, at := nanos(o.job.At(0)), nanos(o.job.At(o.totals.to))
	base := common(o.job, func(name string) string { return name })
	var list []*metricspb.Metric
	byName := map[string]*metricspb.Metric{}
	for _, s := range o.totals.list {
		m := byName[s.name]
		if m == nil {
			m = newMetric(&s.measure)
			byName[s.name], list = m, append(list, m)
		}
		attrs := attributes(append(base[:len(base):len(base)], s.labels...))
		switch data := m.Data.(type) {
		case *metricspb.Metric_Sum:
			data.Sum.DataPoints = append(data.Sum.DataPoints, numberPoint(s, attrs, from, at))
		case *metricspb.Metric_ExponentialHistogram:
			p := exponentialPoint(s.spread)
			p.Attributes, p.StartTimeUnixNano, p.TimeUnixNano = attrs, from, at
			data.ExponentialHistogram.DataPoints = append(data.ExponentialHistogram.DataPoints, p)
		}
	}
	return o.send(ctx, list)
}

func nanos(at time.Time) uint64 { return uint64(at.UnixNano()) }

// newMetric is a metric without points. Names are those of OpenTelemetry: words and
// dots, the unit beside them.
func newMetric(s *measure) *metricspb.Metric {
	m := &metricspb.Metric{Name: "hyperscale." + s.name, Description: s.about, Unit: string(s.unit)}
	if s.unit == inOnes {
		m.Unit = "{" + s.of + "}"
	}
	const cumulative = metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	if s.spread != nil {
		m.Data = &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{AggregationTemporality: cumulative}}
	} else {
		m.Data = &metricspb.Metric_Sum{Sum: &metricspb.Sum{AggregationTemporality: cumulative, IsMonotonic: true}}
	}
	return m
}

// numberPoint is a counter: a whole number, and of time seconds.
func numberPoint(s *series, attrs []*commonpb.KeyValue, from, at uint64) *metricspb.NumberDataPoint {
	p := &metricspb.NumberDataPoint{Attributes: attrs, StartTimeUnixNano: from, TimeUnixNano: at}
	p.Value = &metricspb.NumberDataPoint_AsInt{AsInt: int64(s.count)}
	if s.unit == inSeconds {
		p.Value = &metricspb.NumberDataPoint_AsDouble{AsDouble: float64(s.count) / 1e9}
	}
	return p
}

// exponentialPoint is a histogram; see [powers] for what is rounded. Count, sum, least
// and greatest are exact.
func exponentialPoint(h *stats.Histogram) *metricspb.ExponentialHistogramDataPoint {
	p := &metricspb.ExponentialHistogramDataPoint{
		Count: h.Count(), Sum: proto.Float64(h.Sum().Seconds()), Scale: scale,
		Min: proto.Float64(h.Min().Seconds()), Max: proto.Float64(h.Max().Seconds()),
		Positive: &metricspb.ExponentialHistogramDataPoint_Buckets{},
	}
	list := powers(h)
	if len(list) == 0 {
		return p
	}
	first := list[0].index
	p.Positive.Offset = int32(first - 1) // here a bucket is named by its lower bound
	p.Positive.BucketCounts = make([]uint64, list[len(list)-1].index-first+1)
	for _, b := range list {
		p.Positive.BucketCounts[b.index-first] = b.count
	}
	return p
}

// attributes are labels as OTLP has them.
func attributes(list []label) []*commonpb.KeyValue {
	var out []*commonpb.KeyValue
	for _, l := range list {
		if l.value != "" {
			out = append(out, &commonpb.KeyValue{Key: clean(l.name), Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: clean(l.value)}}})
		}
	}
	return out
}

// Result implements [reporter.Reporter].
func (o *otlp) Result(ctx context.Context, r *reporter.Result) error {
	s := r.Summary
	at := nanos(s.Ended())
	base := common(o.job, func(name string) string { return name })
	gauge := func(name, about, unit string, points ...*metricspb.NumberDataPoint) *metricspb.Metric {
		return &metricspb.Metric{Name: name, Description: about, Unit: unit, Data: &metricspb.Metric_Gauge{Gauge: &metricspb.Gauge{DataPoints: points}}}
	}
	point := func(value int64, more ...label) *metricspb.NumberDataPoint {
		return &metricspb.NumberDataPoint{
			Attributes: attributes(append(base[:len(base):len(base)], more...)), TimeUnixNano: at,
			Value: &metricspb.NumberDataPoint_AsInt{AsInt: value},
		}
	}
	list := []*metricspb.Metric{
		gauge("hyperscale.run.passed", "1: every threshold passed.", "1", point(int64(truth(s.Passed)))),
		gauge("hyperscale.run.exit_code", "The exit code that the run ends with.", "1", point(int64(s.ExitCode))),
		gauge("hyperscale.run.verdict", "1: the run ended with this phase and verdict of the generator.", "1",
			point(1, label{"phase", s.Phase}, label{"verdict", string(s.Verdict.State)})),
	}
	var thresholds []*metricspb.NumberDataPoint
	for _, t := range s.Thresholds {
		thresholds = append(thresholds, point(int64(truth(t.Passed)), label{"threshold", t.Text}))
	}
	if len(thresholds) > 0 {
		list = append(list, gauge("hyperscale.threshold.passed", "1: the threshold passed.", "1", thresholds...))
	}
	return o.send(ctx, list)
}

// Close implements [reporter.Reporter].
func (o *otlp) Close() error { return o.close() }
