// VUS virtual users that each make one request and then hold their connection:
// bench/plans/memory.yaml.
import http from "k6/http";
import { sleep } from "k6";
import { summaryTrendStats } from "./summary.js";
export { handleSummary } from "./summary.js";

export const options = {
  scenarios: {
    main: {
      executor: "ramping-vus",
      startVUs: 0,
      stages: [
        { duration: __ENV.RAMP, target: Number(__ENV.VUS) },
        { duration: __ENV.DURATION, target: Number(__ENV.VUS) },
      ],
      gracefulStop: "0s",
      gracefulRampDown: "0s",
    },
  },
  discardResponseBodies: true,
  summaryTrendStats,
};

export default function () {
  http.get(`${__ENV.TARGET}/`);
  sleep(3600);
}
