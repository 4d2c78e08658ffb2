// What the benchmark reads of a run of k6; every script here re-exports it.
function value(data, metric, key) {
  const m = data.metrics[metric];
  return m && m.values[key] !== undefined ? m.values[key] : 0;
}

export const summaryTrendStats = ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)"];

export function handleSummary(data) {
  return {
    [__ENV.SUMMARY]: JSON.stringify({
      requests: value(data, "http_reqs", "count"),
      failedchecks: value(data, "checks", "fails"),
      p99: value(data, "http_req_duration", "p(99)"),
    }),
  };
}
