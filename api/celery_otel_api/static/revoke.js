// The dialog that asks before a task is revoked, and says who has confirmed it.

import { byId, clear, facts, make, mark, say } from "./dom.js";
import { API, ask, may } from "./session.js";

const dialog = byId("revoke");
const go = byId("revoke-go");
const answer = byId("revoke-answer");
const terminate = byId("revoke-terminate");
const dismiss = byId("revoke-close");
let asked = null;

/** A button that opens the dialog for a task, or null where the user may not revoke. */
export function revokeButton(task) {
  if (!may("control")) return null;
  const button = make("button", { type: "button", className: "quiet" }, "Revoke…");
  button.setAttribute("aria-label", `Revoke ${task.name || "task"} ${task.id}`);
  button.addEventListener("click", () => open(task));
  return button;
}

function open(task) {
  asked = task;
  say(byId("revoke-name"), task.name || "(the name is not known)");
  say(byId("revoke-id"), task.id);
  say(byId("revoke-where"), task.where ?? "");
  byId("revoke-where").hidden = !task.where;
  terminate.checked = false;
  answer.replaceChildren();
  ready("Cancel", false);
  dialog.showModal();
  // Not on the button that does it: Enter alone must not.
  dismiss.focus();
}

function ready(closing, done) {
  say(dismiss, closing);
  go.hidden = done;
  go.disabled = terminate.disabled = false;
  terminate.closest("label").hidden = done;
  name();
}

function name() {
  say(go, terminate.checked ? "Terminate" : "Revoke");
}

async function submit(event) {
  event.preventDefault();
  if (go.disabled) return;
  go.disabled = terminate.disabled = true;
  say(answer, "Asking the workers…");
  const path = `${API}/tasks/${encodeURIComponent(asked.id)}/revoke?terminate=${terminate.checked}`;
  const task = asked;
  const found = await ask(path, { method: "POST" });
  if (task !== asked || !dialog.open) return;
  show(found);
  ready("Close", isOver(found));
  dismiss.focus();
}

/** Whether there is nothing left to ask for: a task that runs and was only revoked can still be terminated. */
function isOver({ status, body }) {
  if (status === 409 || body.terminated === true) return true;
  return (status === 200 || status === 202) && !["STARTED", "RETRY"].includes(body.state) && !terminate.checked;
}

const OUTCOMES = {
  200: ["Confirmed", "good"],
  202: ["Noted", "warn"],
  409: ["Finished already", "warn"],
  503: ["Broker away", "bad"],
  504: ["Nobody answered", "bad"],
};

function show({ status, body }) {
  const [word, kind] = OUTCOMES[status] ?? ["Not done", "bad"];
  const badge = make("span");
  mark(badge, word, kind);
  answer.replaceChildren(make("p", {}, badge, ` ${body.detail ?? `The service answered ${status}.`}`), answerFacts(body));
}

function answerFacts(body) {
  const named = (list) => (list?.length ? list.join(", ") : null);
  return facts([
    ["It was", body.state],
    ["Confirmed by", body.confirmed ? named(body.confirmed) ?? "nobody" : null],
    ["Silent", body.silent ? named(body.silent) ?? "nobody" : null],
    ["Refused by", named(Object.entries(body.refused ?? {}).map(([worker, why]) => `${worker}: ${why}`))],
    ["It has ended", { true: "yes", false: "not yet" }[body.terminated] ?? null],
  ]);
}

byId("revoke-form").addEventListener("submit", submit);
terminate.addEventListener("change", name);
dismiss.addEventListener("click", () => dialog.close());
// A click beside it closes it, as Escape does.
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  asked = null;
  [byId("revoke-name"), byId("revoke-id"), byId("revoke-where"), answer].forEach(clear);
});
