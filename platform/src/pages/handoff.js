// Opens what a terminal sealed for this telephone. The format is that of sync/src/handoff.rs.

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const GONE = 410;
const LABEL = new TextEncoder().encode("gulou.handoff.v1");
const LINE_END = 10;

const at = (id) => document.getElementById(id);
const key = bytes(location.hash.slice(1));

/** Shows what the page says in this state, and hides the rest. */
function say(state) {
  for (const part of document.querySelectorAll("[data-say]")) part.hidden = !part.dataset.say.split(" ").includes(state);
}

/** The bytes of a base64url text, or nothing. */
function bytes(text) {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
  } catch {
    return null;
  }
}

async function open() {
  say("wait");
  const answer = await fetch(location.pathname, { method: "POST" }).catch(() => null);
  if (answer?.status === GONE) return say("gone");
  if (!answer?.ok) return say("lost");
  try {
    show(await opened(new Uint8Array(await answer.arrayBuffer())));
    say("open");
  } catch {
    say("shut");
  }
  // The key need not stay in the address bar and the history.
  history.replaceState(null, "", location.pathname);
}

/** Kind and content of a sealed body. */
async function opened(body) {
  const algorithm = { name: "AES-GCM", iv: body.subarray(0, NONCE_BYTES), additionalData: LABEL };
  const secret = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const plain = new Uint8Array(await crypto.subtle.decrypt(algorithm, secret, body.subarray(NONCE_BYTES)));
  const end = plain.indexOf(LINE_END);
  return { kind: new TextDecoder().decode(plain.subarray(0, end)), content: plain.subarray(end + 1) };
}

function show({ kind, content }) {
  if (kind === "application/pdf") return showFile(new Blob([content], { type: kind }));
  if (kind !== "application/json") throw new Error(kind);
  const { title, sections } = JSON.parse(new TextDecoder().decode(content));
  at("content").append(...both("h2", title), ...sections.flatMap((section) => [...both("h3", section.title), ...section.lines.flatMap((line) => both("p", line))]));
}

function showFile(file) {
  at("file").href = URL.createObjectURL(file);
  at("file").hidden = false;
}

/** Chinese, then English where it says something else; nothing where nothing is said. */
function both(tag, { zh, en }) {
  if (!zh && !en) return [];
  const chinese = document.createElement(tag);
  chinese.textContent = zh || en;
  if (!en || en === chinese.textContent) return [chinese];
  const english = document.createElement("p");
  english.className = "en";
  english.lang = "en";
  english.textContent = en;
  return [chinese, english];
}

if (!globalThis.crypto?.subtle) say("insecure");
else if (key?.length !== KEY_BYTES) say("cut");
else {
  say("ask");
  at("open").addEventListener("click", open);
}
