// The search by task id: what state the task is in, and what to do.

import { duration } from "./ages.js";
import { byId, facts, linkTo, make, mark } from "./dom.js";
import { revokeButton } from "./revoke.js";
import { API, ask } from "./session.js";

const found = byId("found");
const field = byId("search-id");
let latest = 0;
let jaeger = null;

/** Looks for a task, as if its id had been typed. */
export function searchFor(id) {
  field.value = id;
  search(id);
  field.focus();
  found.scrollIntoView({ block: "center" });
}

async function search(id) {
  const mine = ++latest;
  found.replaceChildren("Asking…");
  const answer = await ask(`${API}/tasks/${encodeURIComponent(id)}/status`);
  if (mine === latest) found.replaceChildren(...view(id, answer));
}

const KINDS = { SUCCESS: "good", FAILURE: "bad", REJECTED: "bad", REVOKED: "warn", RETRY: "warn", UNKNOWN: "warn" };
const RUNS = "To stop it, revoke it and choose to terminate it.";
const WAITS = "Revoke it if it should not run.";
const ADVICE = {
  SUCCESS: "Nothing: it is done.",
  FAILURE: "Find the cause in the error below, the trace or the worker's log; once it is gone, send the task again.",
  REJECTED: "The worker's log says why. Send it again once the cause is gone.",
  REVOKED: "It will not run. Send it again if it should.",
  IGNORED: "Nothing: it has ended, without a result.",
  RETRY: "It will be tried again by itself. Revoke it if it should not be.",
  STARTED: RUNS,
  RESERVED: `Nothing, if it may run. ${WAITS}`,
  SCHEDULED: `Nothing, if it may run. ${WAITS}`,
  QUEUED: `If it waits too long: is its queue consumed, and has a worker free slots? ${WAITS}`,
  UNKNOWN: "Check the id. If it was just sent, a worker that does not answer may have it; a revoke keeps it from running.",
};

function view(id, { status, body }) {
  const badge = make("span");
  if (status !== 200) {
    mark(badge, status === 404 ? "not found" : "not known", "warn");
    return [make("p", {}, badge, ` ${body.detail ?? `The service answered ${status}.`}`)];
  }
  mark(badge, body.state, KINDS[body.state]);
  const advice = adviceOf(body);
  const place = body.where?.worker ? `${body.state} on ${body.where.worker}.` : "";
  const button = body.ready ? null : revokeButton({ id, name: body.task_name, where: place });
  return [
    make("p", {}, badge, ` ${body.explanation ?? ""}`),
    make("p", {}, make("strong", {}, "What to do: "), advice),
    ...(button ? [make("p", {}, button)] : []),
    facts(told(body)),
  ];
}

function adviceOf({ state, where }) {
  const lost = state === "RESERVED" && !where?.worker;
  return lost ? `If its worker is lost, the broker gives it to another one after a while. ${WAITS}` : ADVICE[state] ?? "";
}

function told({ task_name: name, where, error, result, results_shown: shown, result_backend: backend }) {
  return [
    ["Task", name],
    ["Worker", where?.worker],
    ["Queue", where?.queue],
    ["Process", where?.pid],
    ["Runs since", moment(where?.since)],
    ["Started", moment(where?.started_at)],
    ["Not before", moment(where?.eta)],
    ["Ended", moment(where?.ended_at)],
    ["It took", span(where?.runtime)],
    ["Retries", where?.retries || null],
    ["Error", error ? [error.type, error.message].filter(Boolean).join(": ") : null],
    ["Traceback", error?.traceback ? make("pre", {}, error.traceback) : null],
    ["Result", text(result)],
    ["Result, error", shown === false ? "not shown: your token lacks the scope results" : null],
    ["Result backend", backend?.configured && !backend.answered ? `cannot be read: ${backend.reason}` : null],
    ["Trace", where?.trace_id && jaeger ? linkTo(`${jaeger}/trace/${where.trace_id}`, where.trace_id) : where?.trace_id],
  ];
}

const moment = (unix) => (unix ? new Date(unix * 1000).toLocaleString() : null);
const span = (seconds) => (seconds === null || seconds === undefined ? null : duration(seconds));
const text = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value, null, 2) : value);

/** Says where Jaeger is, for links to traces. */
export function traceAt(address) {
  jaeger = address;
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = field.value.trim();
  if (id) search(id);
});
