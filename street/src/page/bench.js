// The bench beside the terminal: what a visitor holds in her hands, and what can go wrong with its devices.

import { html, replace, state } from "/page/dom.js";
import { named, word } from "/page/words.js";

/** What each device can suffer: how it is now, and the acts that change it. */
const DEVICES = {
  reader: [cable()],
  scanner: [cable()],
  receipt: [
    part("paper", (told) => (told.paper === "end" ? "bad" : told.paper === "near-end" ? "warn" : "good"), "paper-out", "load-paper", "near-end"),
    part("cover", (told) => (told.cover === "open" ? "bad" : "good"), "open-cover", "close-cover"),
    part("cutter", (told) => ({ ok: "good", "will-jam": "warn" })[told.cutter] ?? "bad", "jam", "clear-jam"),
    cable(),
  ],
  a4: [
    part("paper", (told) => (told.sheets === 0 ? "bad" : told.sheets < 10 ? "warn" : "good"), "paper-out", "load-paper", "near-end"),
    part("cover", (told) => (told.cover === "open" ? "bad" : "good"), "open-cover", "close-cover"),
    part("path", (told) => (told.jam ? "bad" : "good"), "jam", "clear-jam"),
    part("toner", (told) => (told.toner === 0 ? "bad" : told.toner < 10 ? "warn" : "good"), { do: "toner", level: 0 }, { do: "toner", level: 75 }, { do: "toner", level: 5 }),
    cable(),
  ],
};

function cable() {
  return part("cable", (told) => (told.plugged ? "good" : "bad"), "unplug", "plug");
}

/** A part of a device: `kind` says how it is; `spoil` harms it, `mend` makes it good, `wear` leaves it nearly used up. */
function part(name, kind, spoil, mend, wear) {
  const command = (act) => (typeof act === "string" ? { do: act } : act);
  return { name, kind, spoil: command(spoil), mend: command(mend), wear: wear && command(wear) };
}

/** What can be done to a part; the last act is always the one that matters most, so that it keeps its button. */
function actsOf(part, kind) {
  if (!part.wear) return [kind === "good" ? "spoil" : "mend"];
  return { good: ["wear", "spoil"], warn: ["spoil", "mend"] }[kind] ?? [null, "mend"];
}

/** The bench, built once into `node` and then kept true. */
export class Bench {
  #ask;
  #told = {};
  #citizens = [];
  #parts = [];
  #codes = [];
  #lay = null;

  constructor(node, ask) {
    this.#ask = ask;
    node.append(this.#card(), this.#scan(), this.#phone(), this.#printer("receipt"), this.#printer("a4"), this.#tray());
    this.#meet();
  }

  /** Brings the bench up to what the street says of it. */
  update(told) {
    this.#told = told ?? {};
    for (const { device, part, name, word: shown, buttons } of this.#parts) {
      const known = this.#told[device];
      const kind = known ? part.kind(known) : "idle";
      name.textContent = word(`bench.${part.name}`);
      replace(shown, state(kind, known ? word(`bench.${part.name}.${kind}`) : word("bench.absent")));
      const acts = actsOf(part, kind);
      buttons.forEach((button, index) => {
        const act = acts[index];
        button.hidden = !act;
        if (!act) return;
        button.dataset.act = act;
        button.textContent = word(`bench.${part.name}.${act}`);
        button.setAttribute("aria-label", `${word(`bench.${device}`)} · ${name.textContent}: ${button.textContent}`);
      });
    }
    const lies = this.#told.reader?.card;
    this.#chooseOwner(lies);
    this.lift.disabled = !lies;
    replace(this.lies, lies ? state("good", word("bench.card.lies", { name: lies })) : state("idle", word("bench.card.none")));
    this.#showTray(this.#told.tray ?? []);
  }

  /** Says everything in the language in use. */
  speak() {
    this.citizen.replaceChildren(...this.#citizens.map(({ id, name }) => html("option", { value: id, selected: id === this.citizen.value }, name)));
    this.#tellStory();
    this.update(this.#told);
    this.showCodes(this.#codes);
  }

  /** Shows what the codes on the glass say, as a telephone's camera would. */
  showCodes(codes) {
    this.#codes = codes;
    const one = (code) => {
      const link = URL.canParse(code) && new URL(code).protocol === location.protocol && ["127.0.0.1", "localhost"].includes(new URL(code).hostname);
      const pays = link && /\/pay\/\w+$/.test(code);
      const button = pays && html("button", { type: "button", class: "act main", click: () => this.#ask("/terminal/pay", { code }) }, word("bench.pay"));
      return html("p", { class: "code" }, link ? html("a", { href: code, target: "_blank", rel: "noopener" }, code) : html("span", {}, code), button || null);
    };
    this.codes.replaceChildren(...(codes.length ? codes.map(one) : [html("p", { class: "soft" }, word("bench.codes.none"))]));
  }

  async #meet() {
    const answer = await fetch("/terminal/citizens").catch(() => null);
    this.#citizens = answer?.ok ? await answer.json() : [];
    this.speak();
  }

  #card() {
    this.citizen = html("select", { "data-label": "bench.citizen", change: () => this.#tellStory() });
    this.story = html("p", { class: "soft story" });
    this.lies = html("span");
    const lay = html("button", { type: "button", class: "act main", id: "lay-card", "data-word": "bench.card.lay", click: () => this.#ask(`/terminal/citizens/${this.citizen.value}/card`) });
    this.lift = html("button", { type: "button", class: "act", id: "lift-card", "data-word": "bench.card.lift", click: () => this.#tell("reader", { do: "remove" }) });
    return section("reader", this.citizen, this.story, html("div", { class: "fault" }, this.lies, html("span", { class: "acts" }, lay, this.lift)), ...this.#rows("reader"));
  }

  #scan() {
    this.text = html("input", { type: "text", id: "scan-text", autocomplete: "off", "data-label": "bench.scan.text" });
    const form = html("form", { class: "scan", submit: (event) => {
      event.preventDefault();
      if (this.text.value) this.#tell("scanner", { do: "scan", text: this.text.value });
    } }, this.text, html("button", { class: "act main", "data-word": "bench.scan" }));
    const pick = (key, value) => html("button", { type: "button", class: "act", "data-word": key, click: () => (this.text.value = value() ?? "") });
    const picks = html("div", { class: "picks" },
      pick("bench.scan.number", () => this.#chosen()?.number),
      pick("bench.scan.glass", () => this.#codes[0]),
    );
    return section("scanner", form, picks, ...this.#rows("scanner"));
  }

  #phone() {
    this.codes = html("div", { class: "codes", "aria-live": "polite" });
    return section("phone", this.codes);
  }

  #printer(device) {
    return section(device, ...this.#rows(device));
  }

  #tray() {
    this.take = html("button", { type: "button", class: "act", "data-word": "bench.tray.take", click: () => this.#ask("/terminal/tray/take") });
    this.papers = html("div", { class: "papers", id: "tray" });
    return section("tray", this.papers, this.take);
  }

  #rows(device) {
    return DEVICES[device].map((part) => {
      const button = () => html("button", { type: "button", class: "act", click: (event) => this.#tell(device, part[event.currentTarget.dataset.act]) });
      const row = { device, part, name: html("span", { class: "name" }), word: html("span"), buttons: part.wear ? [button(), button()] : [button()] };
      this.#parts.push(row);
      return html("div", { class: "fault", id: `${device}-${part.name}` }, row.name, row.word, html("span", { class: "acts" }, ...row.buttons));
    });
  }

  #showTray(papers) {
    this.take.disabled = papers.length === 0;
    const named = papers.join("\n");
    if (this.papers.dataset.papers === named) return;
    this.papers.dataset.papers = named;
    const one = (name) => {
      const address = `/terminal/tray/${encodeURIComponent(name)}`;
      const face = name.endsWith(".png") ? html("img", { src: address, alt: name }) : html("span", { class: "sheet" }, "PDF");
      return html("a", { href: address, target: "_blank", rel: "noopener", title: name }, face, html("span", { class: "soft" }, name));
    };
    this.papers.replaceChildren(...(papers.length ? papers.map(one) : [html("p", { class: "soft" }, word("bench.tray.none"))]));
  }

  /** Whose card is laid down, by whatever hand, is the one who is chosen. */
  #chooseOwner(lies) {
    const owner = this.#citizens.find(({ name }) => name === lies);
    if (lies === this.#lay || (lies && !owner)) return;
    this.#lay = lies;
    if (owner) this.citizen.value = owner.id;
    this.#tellStory();
  }

  #tellStory() {
    this.story.textContent = named(this.#chosen()?.story);
  }

  #chosen() {
    return this.#citizens.find(({ id }) => id === this.citizen.value) ?? this.#citizens[0];
  }

  #tell(device, command) {
    return this.#ask(`/terminal/bench/${device}`, command);
  }
}

function section(name, ...children) {
  return html("section", { class: `bench-${name}`, "data-label": `bench.${name}` }, html("h3", { "data-word": `bench.${name}` }), ...children);
}
