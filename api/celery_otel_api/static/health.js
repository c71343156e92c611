// Health and queues, which their own endpoints tell. What one of them does not tell is shown as unknown, never as 0.

import { roughly } from "./ages.js";
import { byId, make, mark, row, say, showRows } from "./dom.js";

const KINDS = { healthy: "good", degraded: "warn", unhealthy: "bad" };

/** Shows the answer of `/health`, which is 503 when it is unhealthy. */
export function showHealth({ status, body }) {
  const known = body.status in KINDS;
  mark(byId("health-status"), known ? body.status : "unknown", KINDS[body.status]);
  const reasons = known && body.reasons?.length > 1 ? body.reasons : [];
  say(byId("health-message"), known ? messageOf(body) : whyNot(status, body));
  showRows(byId("health-reasons"), reasons, (one) => one, (text) => ({ element: make("li", {}, text), update() {} }));
}

/** One reason is the message; several are a list of their own. */
function messageOf({ message, reasons }) {
  return reasons?.length > 1 ? `for ${reasons.length} reasons, the worst first:` : message ?? "";
}

function whyNot(status, body) {
  return status === 404 ? "This service does not tell it." : body.detail ?? `The service answered ${status}.`;
}

/** Shows the answer of `/queues/status`. */
export function showQueues({ status, body }) {
  const queues = status === 200 ? body.queues ?? [] : [];
  say(byId("queues-count"), queues.length ? String(queues.length) : "");
  const none = status !== 200 ? `Not known. ${whyNot(status, body)}` : body.reason || "No worker consumes a queue, and the application declares none.";
  // With the broker away it is the same reason for everything: said once.
  const away = status === 200 && body.broker_connected === false;
  byId("queues-empty").hidden = queues.length > 0 && !away;
  byId("queues").closest("table").hidden = queues.length === 0;
  say(byId("queues-empty"), none);
  const shown = away ? queues.map((queue) => ({ ...queue, reasons: {} })) : queues;
  showRows(byId("queues"), shown, (queue) => queue.name, queueRow);
}

function queueRow() {
  const { element, cells } = row("Queue", "Waiting", "Consumers", "Oldest waits");
  const parts = cells.map((cell, index) => {
    const [value, note] = [make("span"), make("div", { className: "faint" })];
    if (index > 0) cell.className = "number";
    cell.append(make("div", {}, value, note));
    return { value, note };
  });
  return { element, update: (queue) => showQueue(queue, parts) };
}

function showQueue(queue, [name, length, consumers, oldest]) {
  say(name.value, queue.name);
  say(name.note, aboutQueue(queue));
  say(length.value, number(queue.length));
  const stuck = queue.length > 0 && queue.consumers === 0;
  if (stuck) mark(consumers.value, "0: nobody takes them", "warn");
  else plain(consumers.value, number(queue.consumers));
  const age = queue.oldest_message_age_seconds ?? null;
  say(oldest.value, age !== null ? roughly(age) : queue.length === 0 ? "–" : "?");
  for (const [place, field] of [[length, "length"], [consumers, "consumers"], [oldest, "oldest_message_age_seconds"]]) {
    say(place.note, place.value.textContent === "?" ? queue.reasons?.[field] ?? "" : "");
  }
}

function plain(element, text) {
  element.className = "";
  say(element, text);
}

const number = (value) => (value === null || value === undefined ? "?" : String(value));

function aboutQueue(queue) {
  const held = ["reserved", "scheduled"].filter((name) => queue[name] > 0).map((name) => `${queue[name]} ${name}`);
  const lost = queue.unreported > 0 ? [`${queue.unreported} with silent or lost workers`] : [];
  return [...held, ...lost].join(" · ");
}
