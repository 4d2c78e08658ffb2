// RATE arrivals per second, by VUS virtual users at most.
import http from "k6/http";
import { summaryTrendStats } from "./summary.js";
export { handleSummary } from "./summary.js";

export const options = {
  scenarios: {
    main: {
      executor: "constant-arrival-rate",
      rate: Number(__ENV.RATE),
      timeUnit: "1s",
      duration: __ENV.DURATION,
      preAllocatedVUs: Math.min(100, Number(__ENV.VUS)),
      maxVUs: Number(__ENV.VUS),
    },
  },
  discardResponseBodies: true,
  summaryTrendStats,
};

export default function () {
  http.get(`${__ENV.TARGET}/`);
}
