// The street's state, live; and honestly lost when it is lost.

const SILENCE_MS = 15_000;
const RETRY_MS = [500, 1000, 2000, 5000];

/**
 * Calls `onStreet` with the whole document first and with every change after it,
 * and `onLink` with "wait", "live" or "lost" whenever that changes.
 */
export function listen(onStreet, onLink) {
  let source = null;
  let heard = 0;
  let failures = 0;
  let link = "wait";
  const tell = (next) => {
    if (next !== link) onLink((link = next));
  };
  const lose = () => {
    source?.close();
    source = null;
    tell("lost");
    setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
  };
  const open = async () => {
    try {
      const answer = await fetch("/api/street", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      onStreet(await answer.json());
    } catch {
      lose();
      return;
    }
    heard = performance.now();
    failures = 0;
    tell("live");
    const opened = new EventSource("/api/stream");
    source = opened;
    opened.addEventListener("street", (event) => {
      heard = performance.now();
      onStreet(JSON.parse(event.data));
    });
    opened.addEventListener("error", () => source === opened && lose());
  };
  // A stalled connection reports no error; silence gives it away.
  setInterval(() => source && performance.now() - heard > SILENCE_MS && lose(), 1000);
  onLink(link);
  open();
}

/** Asks the street for something, with `body` as JSON where there is one; the reason when it refuses, else null. */
export async function ask(path, body) {
  try {
    const more = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, { method: "POST", ...more });
    if (answer.ok) return null;
    const problem = await answer.json().catch(() => ({}));
    return problem.detail || problem.title || String(answer.status);
  } catch {
    return "";
  }
}
