// What the stream tells: workers, running tasks and recent failures.

import { duration, grow, roughly, stop } from "./ages.js";
import { byId, linkTo, make, mark, row, say, showRows } from "./dom.js";
import { revokeButton } from "./revoke.js";
import { searchFor, traceAt } from "./search.js";

const STATUS = { online: "good", silent: "warn", offline: "bad", unknown: "" };
const MOST_RUNNING = 50;
const MOST_FAILURES = 20;

/** Shows a snapshot. */
export function showSnapshot(data) {
  const age = data.snapshot_age_seconds ?? 0;
  const live = asOfNow(data, age);
  say(byId("application"), live.application);
  document.title = `Celery ${live.application}`.trim();
  if (live.timestamp) grow(byId("age"), age, (seconds) => `Data ${roughly(seconds)} old`);
  showLinks(live.links);
  showFigures(live);
  showWorkers(live);
  showRunning(live);
  showFailures(live);
}

/** The durations in a snapshot are those of when it was taken. */
function asOfNow(live, age) {
  const older = (item, name) => ({ ...item, [name]: item[name] === null ? null : item[name] + age });
  return {
    ...live,
    workers: live.workers.map((one) => older(one, "since_seconds")),
    running: live.running.map((one) => older(one, "running_seconds")),
    failures: live.failures.map((one) => older(one, "ended_seconds_ago")),
  };
}

function showLinks(links) {
  traceAt(links.jaeger);
  const link = linkTo(links.grafana, "Grafana");
  const place = byId("grafana");
  place.hidden = link === null;
  if (link) place.href = link.href;
}

function showFigures({ workers, summary }) {
  const online = workers.filter((worker) => worker.status === "online");
  // What one worker does not say makes the sum unknown.
  const sum = (read) => (online.some((worker) => read(worker) === null) ? "?" : online.reduce((total, worker) => total + read(worker), 0));
  const known = (value) => (summary === null ? "?" : value ?? "?");
  const figures = [
    ["workers online", known(`${online.length} of ${workers.length}`)],
    ["busy of slots", known(`${sum((one) => one.pool.busy_workers)} of ${sum((one) => one.pool.max_concurrency)}`)],
    ["running", known(summary?.active)],
    ["reserved", known(summary?.reserved)],
    ["scheduled", known(summary?.scheduled)],
  ];
  showRows(byId("figures"), figures, ([name]) => name, ([name]) => {
    const value = make("dd");
    const element = make("div", {}, make("dt", {}, name), value);
    return { element, update: ([, text]) => say(value, String(text)) };
  });
}

function showEmpty(id, text) {
  byId(`${id}-empty`).hidden = text === "";
  byId(id).closest("table").hidden = text !== "";
  say(byId(`${id}-empty`), text);
}

function showWorkers({ workers, broker_connected: connected, reason }) {
  say(byId("workers-count"), workers.length ? String(workers.length) : "");
  const none = connected ? "No worker has answered. Start one, and it appears here." : `Not known. ${reason}`;
  showEmpty("workers", workers.length ? "" : none);
  showRows(byId("workers"), workers, (worker) => worker.name, workerRow);
}

function workerRow() {
  const { element, cells } = row("Worker", "Status", "Busy of slots", "Prefetched");
  const [status, since] = [make("span"), make("div", { className: "faint" })];
  const [busy, filled] = [make("span"), make("span")];
  const [name, about] = [make("div"), make("div", { className: "faint" })];
  cells[0].append(make("div", {}, name, about));
  cells[1].append(make("div", {}, status, since));
  cells[2].append(make("div", {}, busy, make("span", { className: "bar" }, filled)));
  cells[3].className = "number";
  const prefetched = make("span");
  cells[3].append(prefetched);
  return {
    element,
    update(worker) {
      say(name, worker.name);
      say(about, aboutWorker(worker));
      mark(status, worker.status, STATUS[worker.status]);
      showSince(since, worker);
      showBusy(busy, filled, worker.pool);
      say(prefetched, worker.prefetch_count === null ? "?" : String(worker.prefetch_count));
    },
  };
}

function aboutWorker({ pool, queues, instrumented }) {
  const parts = [pool?.kind, queues.length ? `consumes ${queues.join(", ")}` : "", instrumented === false ? "not instrumented" : ""];
  return parts.filter(Boolean).join(" · ");
}

const MEANING = { silent: "alive, but too busy to answer; ", offline: "", unknown: "the broker is away; " };

function showSince(place, { status, since_seconds: since }) {
  const meaning = MEANING[status] ?? "";
  if (since !== null) return grow(place, since, (seconds) => `${meaning}last heard of ${roughly(seconds)} ago`);
  stop(place);
  say(place, status === "online" ? "" : `${meaning}never seen`);
}

function showBusy(text, filled, pool) {
  const known = pool !== null && pool.busy_workers !== null;
  say(text, known ? `${pool.busy_workers} of ${pool.max_concurrency ?? "?"}` : `? of ${pool?.max_concurrency ?? "?"}`);
  const share = known && pool.max_concurrency ? Math.min(1, pool.busy_workers / pool.max_concurrency) : 0;
  filled.style.width = `${100 * share}%`;
  filled.parentElement.hidden = !known;
}

function showRunning({ running, summary }) {
  const total = summary?.active ?? running.length;
  const shown = running.slice(0, MOST_RUNNING);
  say(byId("running-count"), total > shown.length ? `${shown.length} of ${total}, the longest first` : total ? String(total) : "");
  showEmpty("running", running.length ? "" : summary === null ? "Not known: the workers could not be asked." : "No task runs.");
  showRows(byId("running"), shown, (task) => `${task.worker} ${task.task_id}`, runningRow);
}

function runningRow(task) {
  const { element, cells } = row("Task", "Id", "Worker", "For", "");
  cells[0].append(make("span", {}, task.task_name, task.retries ? make("span", { className: "faint" }, ` retry ${task.retries}`) : null));
  cells[1].append(idButton(task.task_id));
  cells[2].append(make("span", {}, task.worker));
  const time = make("span");
  cells[3].className = "number";
  cells[3].append(time);
  cells[4].append(revokeButton({ id: task.task_id, name: task.task_name, where: `It runs on ${task.worker}.` }) ?? "");
  return {
    element,
    update({ running_seconds: seconds }) {
      if (seconds === null) say(time, "?");
      else grow(time, seconds, duration);
    },
  };
}

function idButton(id) {
  const button = make("button", { type: "button", className: "id" }, id);
  button.addEventListener("click", () => searchFor(id));
  return button;
}

function showFailures({ failures, links, workers }) {
  const shown = failures.slice(0, MOST_FAILURES);
  say(byId("failures-count"), failures.length > shown.length ? `the newest ${shown.length}` : shown.length ? String(shown.length) : "");
  const instrumented = workers.some((worker) => worker.instrumented);
  const none = instrumented ? "None that the workers remember." : "Only workers with celery-otel tell of them.";
  showEmpty("failures", failures.length ? "" : none);
  const keyOf = (one) => `${one.worker} ${one.task_id} ${one.error_type} ${one.runtime_seconds}`;
  showRows(byId("failures"), shown, keyOf, (failure) => failureRow(failure, links));
}

function failureRow(failure, links) {
  const { element, cells } = row("Task", "Error", "When", "Worker", "Id");
  cells[0].append(make("span", {}, failure.task_name));
  const how = failure.status === "failure" ? failure.error_type || "failure" : `${failure.status} ${failure.error_type}`;
  cells[1].append(make("span", {}, how));
  const when = make("span");
  cells[2].className = "number";
  cells[2].append(when);
  cells[3].append(make("span", {}, failure.worker));
  const trace = failure.trace_id && links.jaeger ? linkTo(`${links.jaeger}/trace/${failure.trace_id}`, "trace") : null;
  cells[4].append(make("span", {}, idButton(failure.task_id), trace ? " " : null, trace));
  return { element, update: (one) => grow(when, one.ended_seconds_ago, (seconds) => `${roughly(seconds)} ago`) };
}
