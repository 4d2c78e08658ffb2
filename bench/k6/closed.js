// One GET and a check of its status by VUS virtual users: bench/plans/closed.yaml.
import http from "k6/http";
import { check } from "k6";
import { summaryTrendStats } from "./summary.js";
export { handleSummary } from "./summary.js";

export const options = {
  vus: Number(__ENV.VUS),
  duration: __ENV.DURATION,
  discardResponseBodies: true,
  summaryTrendStats,
};

export default function () {
  check(http.get(`${__ENV.TARGET}/`), { "status is 200": (r) => r.status === 200 });
}
