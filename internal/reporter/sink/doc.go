// Package sink holds the reporters: to web hooks, Prometheus, OpenTelemetry, StatsD,
// InfluxDB and PostgreSQL. [Kinds] lists them; a new one is one entry there.
//
// What systems of metrics are given is the same for all of them, under the names that
// are usual there: counters are whole numbers and exact; durations are histograms, or
// the buckets of histograms, from which shares of any stretch of time and of any sum
// of steps can be taken. Percentiles are told where a system has nothing better, each
// of the window that it is told with.
package sink
