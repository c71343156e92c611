// The stream of snapshots. It is closed while nobody sees the page, and comes back by itself when it breaks.

import { API } from "./session.js";

const LONGEST_WAIT = 30;
let source = null;
let timer = 0;
let failures = 0;
let listener = null;

/**
 * Listens. `callbacks` has onSnapshot(data), onState(word, kind) and onLocked().
 */
export function listen(callbacks) {
  listener = callbacks;
  document.addEventListener("visibilitychange", followVisibility);
  open();
}

/** Ends it, until `listen` is called again. */
export function hush() {
  listener = null;
  document.removeEventListener("visibilitychange", followVisibility);
  close();
}

function followVisibility() {
  if (document.hidden) close();
  else if (source === null) open();
}

function open() {
  close();
  source = new EventSource(`${API}/live`);
  source.addEventListener("snapshot", (event) => {
    failures = 0;
    listener?.onState("Live", "good");
    listener?.onSnapshot(JSON.parse(event.data));
  });
  source.addEventListener("again", open);
  source.addEventListener("error", broken);
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

/** A stream that broke: find out why, say so, and try again after a while. */
async function broken() {
  close();
  failures += 1;
  const wait = Math.min(LONGEST_WAIT, 2 ** failures);
  const mine = listener;
  const status = await statusOf(`${API}/live`);
  // Somebody else may listen by now, whose stream is not broken.
  if (mine === null || mine !== listener) return;
  if (status === 401) return listener.onLocked();
  listener.onState(`${reasonOf(status)} Trying again in ${wait} s.`, "bad");
  timer = setTimeout(() => document.hidden || open(), wait * 1000);
}

async function statusOf(path) {
  try {
    return (await fetch(path, { method: "HEAD", cache: "no-store" })).status;
  } catch {
    return 0;
  }
}

function reasonOf(status) {
  if (status === 0) return "No connection to the service: what is shown is old.";
  if (status === 503) return "Too many pages listen already.";
  if (status === 403) return "This token may not read.";
  if (status === 200) return "The connection broke: what is shown is old.";
  return `The service answered ${status}.`;
}
