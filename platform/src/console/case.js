// The sheet about a case: what a citizen said and photographed, for an operator who signed on.

import { facts, html, state } from "/console/dom.js";
import { kindOfCase } from "/console/lists.js";
import { ago, clock } from "/console/time.js";
import { word } from "/console/words.js";

/** Known as long as this page is open, and written down nowhere. */
let token = null;
let refused = false;
/** Addresses of the photographs of the case that is open, by where the platform has them. */
const pictures = new Map();
let opened = null;

/** Title and content about a case; `redraw` is called when somebody signed on. */
export async function aboutCase(number, desk, redraw) {
  const one = desk.cases.find((one) => one.number === number);
  if (!one) return null;
  if (opened !== number) leaveCase();
  opened = number;
  const body = [
    facts([
      [state(kindOfCase(one), word(`case.${one.state}`)), one.category],
      [word("case.made"), clock(one.made_at)],
      [word("case.changed"), ago(one.changed_at)],
      [word("case.device"), one.device],
      [word("case.photos"), String(one.photos)],
    ]),
  ];
  const detail = await asked(`/api/cases/${encodeURIComponent(number)}`);
  if (detail) body.push(...(await told(await detail.json())));
  else body.push(signOn(redraw));
  return { title: number, body };
}

/** Lets go of what was opened for a case. */
export function leaveCase() {
  for (const address of pictures.values()) URL.revokeObjectURL(address);
  pictures.clear();
  opened = null;
}

/** What is about a person. */
async function told({ report, pictures: paths }) {
  const shown = await Promise.all(paths.map(picture));
  return [
    facts([
      [word("case.place"), placed(report.place)],
      [word("case.text"), report.text],
      [word("case.mobile"), report.mobile],
    ]),
    ...shown.filter(Boolean).map((address, index) => html("img", { class: "photo", src: address, alt: word("case.photo", { n: index + 1 }) })),
  ];
}

function placed(place) {
  if (!place || typeof place !== "object") return String(place ?? "");
  return Object.values(place).filter((part) => ["string", "number"].includes(typeof part)).join(" · ");
}

async function picture(path) {
  if (!pictures.has(path)) {
    const answer = await asked(path);
    if (!answer) return null;
    pictures.set(path, URL.createObjectURL(await answer.blob()));
  }
  return pictures.get(path);
}

/** An answer for the operator; nothing where nobody signed on, or with a wrong token. */
async function asked(path) {
  if (!token) return null;
  const answer = await fetch(path, { cache: "no-store", headers: { authorization: `Bearer ${token}` } });
  refused = answer.status === 401;
  if (refused) token = null;
  return answer.ok ? answer : null;
}

function signOn(redraw) {
  const field = html("input", { type: "password", autocomplete: "off", required: true, "aria-label": word("sign_on.token") });
  const submit = (event) => {
    event.preventDefault();
    token = field.value.trim();
    redraw();
  };
  return html("form", { class: "sign-on", submit },
    html("p", { class: "soft" }, word("sign_on.why")),
    refused ? html("p", { class: "bad", role: "alert" }, word("sign_on.refused")) : null,
    html("label", {}, word("sign_on.token"), field),
    html("button", { class: "tool" }, word("sign_on.enter")));
}
