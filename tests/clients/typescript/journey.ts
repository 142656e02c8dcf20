// The whole journey with openapi-fetch over the types openapi-typescript generates: journey ADDRESS EMAIL.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [address, email] = process.argv.slice(2);
const password = "a long walk to the mill";
const client = createClient<paths>({ baseUrl: address });
let token = "";
client.use({
  onRequest({ request }) {
    if (token) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
});

/** The answer, or the problem the service tells. */
async function done<T>(step: string, call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Error(`${step}: ${response.status} ${JSON.stringify(error)}`);
  console.log(step);
  return data as T;
}

await done("register", client.POST("/api/v1/auth/register", {
  body: { email, password, name: "TypeScript", zip_code: "78701" },
}));

const tokens = await done("login", client.POST("/api/v1/auth/login", { body: { username: email, password } }));
token = tokens.access_token;

const file = "month,kwh\n2025-01,1020\n2025-02,880\n2025-03,760\n2025-04,810\n";
const report = await done("import", client.POST("/api/v1/usage/import", {
  body: { file },
  bodySerializer() {
    const form = new FormData();
    form.set("file", new Blob([file]), "usage.csv");
    return form;
  },
}));
if (report.rows_accepted !== 4) throw new Error(`rows accepted: ${report.rows_accepted}`);

await done("preferences", client.POST("/api/v1/users/preferences", {
  body: { cost_priority: 50, flexibility_priority: 20, renewable_priority: 20, rating_priority: 10 },
}));

const advice = await done("generate", client.POST("/api/v1/recommendations/generate", {
  params: { header: { "Idempotency-Key": "first-try" } },
  body: {},
}));
if (advice.top_plans.length === 0) throw new Error("no plan is recommended");

await done("feedback", client.POST("/api/v1/feedback/recommendation", {
  body: { recommendation_id: advice.recommendation_id, rating: 4, feedback_type: "helpful" },
}));

const next = await done("refresh", client.POST("/api/v1/auth/refresh", {
  body: { refresh_token: tokens.refresh_token },
}));
token = next.access_token;

await done("export", client.GET("/api/v1/users/me/export"));

await done("delete", client.DELETE("/api/v1/users/me", { body: { password } }));

const { response } = await client.GET("/api/v1/auth/me");
if (response.status !== 401) throw new Error(`the account is still there: ${response.status}`);
console.log("gone");
