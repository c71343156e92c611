// Durations in words, and those that grow by the second.

const growing = new Map();

const two = (number) => String(number).padStart(2, "0");

/** Seconds in words: 400 ms, 12 s, 3 min 04 s, 2 h 05 min, 3 d 4 h. */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  if (seconds < 1) return `${Math.round(Math.max(0, seconds) * 1000)} ms`;
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

/** Short: the largest unit only, which is enough for what was long ago. */
export function roughly(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

/** Shows in an element so many seconds, and from then on one more each second. No clock of this computer is trusted. */
export function grow(element, seconds, say) {
  const entry = { since: performance.now() - seconds * 1000, say };
  growing.set(element, entry);
  show(element, entry);
}

/** Ends the growing in an element. */
export function stop(element) {
  growing.delete(element);
}

function show(element, { since, say }) {
  const text = say((performance.now() - since) / 1000);
  if (element.textContent !== text) element.textContent = text;
}

setInterval(() => {
  for (const [element, entry] of growing) {
    if (element.isConnected) show(element, entry);
    else growing.delete(element);
  }
}, 1000);
