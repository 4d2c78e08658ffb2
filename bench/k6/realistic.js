// The same user as in bench/plans/realistic.yaml. k6 gives each iteration a
// fresh cookie jar, as we do.
import http from "k6/http";
import exec from "k6/execution";
import { check } from "k6";
import { SharedArray } from "k6/data";
import { summaryTrendStats } from "./summary.js";
export { handleSummary } from "./summary.js";

const users = new SharedArray("users", () =>
  open("../plans/users.csv")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [name, password] = line.split(",");
      return { name, password };
    }),
);

export const options = {
  vus: Number(__ENV.VUS),
  duration: __ENV.DURATION,
  summaryTrendStats,
};

export default function () {
  const target = __ENV.TARGET;
  const user = users[exec.scenario.iterationInTest % users.length];
  const discard = { responseType: "none" };

  http.post(`${target}/login`, { user: user.name, password: user.password }, discard);

  const page = 1 + Math.floor(Math.random() * 20);
  const id = http.get(`${target}/products?page=${page}`).json("items.0.id");

  check(http.get(`${target}/products/${id}`), {
    "product: in stock": (r) => r.body.includes("in stock"),
  });

  const order = JSON.stringify({ product: id, user: user.name });
  const params = { headers: { "Content-Type": "application/json" }, responseType: "none" };
  check(http.post(`${target}/cart`, order, params), { "cart: status": (r) => r.status === 201 });

  http.get(`${target}/orders?user=${user.name}`, discard);
}
