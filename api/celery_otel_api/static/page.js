// The operator's page: lets the user in, listens to the stream, and asks for what the stream does not tell.

import { showSnapshot } from "./board.js";
import { showCharts } from "./chart.js";
import { byId, clear, mark, say } from "./dom.js";
import { showHealth, showQueues } from "./health.js";
import { API, ask, forget, loggedIn, logIn, logOut, resume, userName, whenLocked } from "./session.js";
import { hush, listen } from "./stream.js";

const OFTEN = 5_000;
const SELDOM = 30_000;
let timers = [];

function showBoard() {
  // Who presses Enter twice logs in twice.
  askNoMore();
  byId("door").hidden = true;
  byId("board").hidden = false;
  byId("leave").hidden = !loggedIn();
  say(byId("leave"), `Log out ${userName()}`);
  listen({ onSnapshot: showSnapshot, onState: showState, onLocked: showDoor });
  timers = [
    every(OFTEN, `${API}/health`, showHealth),
    every(OFTEN, `${API}/queues/status`, showQueues),
    every(SELDOM, `${API}/charts`, showCharts),
  ];
}

function showDoor() {
  askNoMore();
  forget();
  showState("Not logged in");
  say(byId("age"), "");
  byId("revoke").close();
  // Who logs in next may see less.
  ["workers", "queues", "running", "failures", "figures", "health-reasons", "found", "charts"].map(byId).forEach(clear);
  byId("search").reset();
  byId("board").hidden = byId("leave").hidden = true;
  byId("door").hidden = false;
  byId("token").focus();
}

function askNoMore() {
  hush();
  timers.forEach(clearInterval);
  timers = [];
}

function showState(word, kind = "") {
  mark(byId("stream"), word, kind);
}

/** Asks at once and then every so many milliseconds, unless nobody sees the page. */
function every(milliseconds, path, show) {
  const once = async () => document.hidden || show(await ask(path));
  once();
  return setInterval(once, milliseconds);
}

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("token");
  say(byId("login-answer"), "");
  const problem = await logIn(field.value.trim());
  say(byId("login-answer"), problem);
  if (problem) return field.select();
  field.value = "";
  showBoard();
});

byId("leave").addEventListener("click", async () => {
  askNoMore();
  showState("Logging out…");
  await logOut();
  showDoor();
});

whenLocked(showDoor);
if (await resume()) showBoard();
else showDoor();
