// Who the user is, and every question to the service but the stream.

export const API = "api/v1/celery";

const EVERYTHING = ["read", "results", "control"];
const session = { authenticated: false, name: "", scopes: [], csrf: null };
let onLocked = () => {};
/** How often the session has changed. */
let era = 0;

/** Called when the service wants a token. */
export function whenLocked(callback) {
  onLocked = callback;
}

export const may = (scope) => session.scopes.includes(scope);
/** Whether there is a session that can be ended. */
export const loggedIn = () => session.csrf !== null;

/** Whose token it is. */
export const userName = () => session.name;

/** Asks the service. Gives {status, body}; the status is 0 if it did not answer. */
export async function ask(path, { method = "GET", json } = {}) {
  const headers = { Accept: "application/json" };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && session.csrf) headers["X-CSRF-Token"] = session.csrf;
  const body = json === undefined ? undefined : JSON.stringify(json);
  const asked = era;
  const found = await answerOf(path, { method, headers, body, credentials: "same-origin", cache: "no-store" });
  if (path === "session") return found;
  if (found.status === 401 && asked === era) onLocked();
  // Nobody waits any more for what an earlier session has asked: who has logged in since may see less.
  return asked === era ? found : new Promise(() => {});
}

async function answerOf(path, request) {
  try {
    const answer = await fetch(path, request);
    return { status: answer.status, body: await bodyOf(answer) };
  } catch (error) {
    return { status: 0, body: { detail: `The service does not answer: ${error.message}.` } };
  }
}

async function bodyOf(answer) {
  try {
    return (await answer.json()) ?? {};
  } catch {
    return {};
  }
}

/** Finds out what the user may do. Gives whether they are let in. */
export async function resume() {
  const { status, body } = await ask("session");
  // A service without sessions: it says itself what it refuses.
  take(status === 200 ? body : { authenticated: status !== 401, scopes: EVERYTHING });
  return session.authenticated;
}

/** Exchanges a token for a session. Gives what went wrong, or "". */
export async function logIn(token) {
  const { status, body } = await ask("session", { method: "POST", json: { token } });
  if (status !== 200) return body.detail ?? `The service answered ${status}.`;
  take(body);
  return session.authenticated ? "" : "This service has no tokens: whoever runs it has to make one.";
}

export async function logOut() {
  await ask("session", { method: "DELETE" });
  forget();
}

/** The session is over, whoever has ended it. */
export function forget() {
  take({});
}

function take({ authenticated, name, scopes, csrf_token: csrf }) {
  era += 1;
  Object.assign(session, { authenticated: authenticated ?? false, name: name ?? "", scopes: scopes ?? [], csrf: csrf ?? null });
}
