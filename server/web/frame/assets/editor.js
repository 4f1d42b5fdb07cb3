// The editor of plugins: line numbers, colours, problems beside their lines as
// one types, and names of the contract to complete. Without this module the
// page has plain text areas and a button that checks.

const tokens = /(--\[(=*)\[[\s\S]*?(?:\]\2\]|$)|--[^\n]*)|(\[(=*)\[[\s\S]*?(?:\]\4\]|$)|"(?:\\[\s\S]|[^"\\\n])*"?|'(?:\\[\s\S]|[^'\\\n])*'?)|\b(and|break|do|else|elseif|end|false|for|function|goto|if|in|local|nil|not|or|repeat|return|then|true|until|while)\b|(\b0[xX][0-9a-fA-F]+\b|\b\d+\.?\d*(?:[eE][+-]?\d+)?\b)/g;

// parts cuts a text into [class, text], lines never crossed.
function lines(text) {
  const out = [[]];
  const add = (kind, part) => part.split("\n").forEach((piece, i) => { if (i) out.push([]); if (piece) out.at(-1).push([kind, piece]); });
  let at = 0;
  for (const m of text.matchAll(tokens)) {
    if (m.index > at) add("", text.slice(at, m.index));
    add(m[1] !== undefined ? "comment" : m[3] !== undefined ? "string" : m[5] !== undefined ? "keyword" : "number", m[0]);
    at = m.index + m[0].length;
  }
  if (at < text.length) add("", text.slice(at));
  return out;
}

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const coloured = (parts) => parts.map(([kind, text]) => kind ? element("span", "lua-" + kind, text) : document.createTextNode(text));

// read colours a source that is there to be read.
function read(pre) {
  const shown = [...pre.querySelectorAll(".lua")];
  lines(shown.map((e) => e.textContent).join("\n")).forEach((parts, i) => shown[i]?.replaceChildren(...coloured(parts)));
}

// Pane is one file in the editor.
class Pane {
  constructor(area, onInput) {
    this.area = area;
    const text = area.value;
    area.textContent = ""; // the value stays; the copy below is what is seen
    area.value = text;
    this.gutter = element("div", "code-gutter");
    this.gutter.setAttribute("aria-hidden", "true");
    this.copy = element("div", "code-lines");
    this.copy.setAttribute("aria-hidden", "true");
    this.box = element("div", "code-box");
    this.stack = element("div", "code-stack");
    area.before(this.box);
    this.stack.append(this.copy, area);
    this.box.append(this.gutter, this.stack);
    this.notes = new Map();
    this.shown = [];
    area.addEventListener("input", () => { this.draw(); onInput(); });
    area.addEventListener("keydown", (event) => this.indent(event));
    this.draw();
  }

  // mark puts notes beside their lines.
  mark(found) {
    this.notes = new Map();
    for (const note of found) if (note.line > 0) this.notes.set(note.line, [...this.notes.get(note.line) ?? [], note]);
    this.draw();
  }

  draw() {
    const all = lines(this.area.value);
    all.forEach((parts, i) => {
      const notes = this.notes.get(i + 1) ?? [];
      const state = notes.some((n) => !n.warning) ? "is-error" : notes.length ? "is-warning" : "";
      const key = state + JSON.stringify([parts, notes]);
      if (this.shown[i] === key) return;
      this.shown[i] = key;
      const line = this.copy.children[i] ?? this.copy.appendChild(element("span"));
      const number = this.gutter.children[i] ?? this.gutter.appendChild(element("span", "", i + 1));
      line.replaceChildren(...coloured(parts), ...notes.map((n) => element("span", "problem-text", n.message)));
      line.className = number.className = state;
    });
    while (this.copy.children.length > all.length) { this.copy.lastChild.remove(); this.gutter.lastChild.remove(); this.shown.pop(); }
  }

  // indent begins a new line below the one before.
  indent(event) {
    if (event.key !== "Enter" || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey) return;
    const before = this.area.value.slice(0, this.area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const deeper = /(\b(then|do|else|repeat)|function\b.*\)|[{(])\s*$/.test(line) ? "  " : "";
    event.preventDefault();
    document.execCommand("insertText", false, "\n" + line.match(/^[ \t]*/)[0] + deeper);
  }

  show(line, column) {
    const all = this.area.value.split("\n"), before = [...all[line - 1] ?? ""].slice(0, Math.max(column - 1, 0)).join("");
    const at = all.slice(0, Math.max(line - 1, 0)).join("\n").length + (line > 1 ? 1 : 0) + before.length;
    this.area.focus({ preventScroll: true });
    this.area.setSelectionRange(at, at);
    this.copy.children[Math.max(line - 1, 0)]?.scrollIntoView({ block: "center" });
  }
}

// Words offers names at the caret of one pane.
class Words {
  constructor(pane, words) {
    this.pane = pane;
    this.words = words;
    this.list = element("ul", "words");
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Names of the plugin contract");
    this.list.id = pane.area.id + "-words";
    this.list.hidden = true;
    pane.stack.append(this.list);
    pane.area.setAttribute("aria-controls", this.list.id);
    pane.area.addEventListener("input", (event) => this.offer(event));
    pane.area.addEventListener("keydown", (event) => this.key(event), true);
    pane.area.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    pane.area.addEventListener("click", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      const item = event.target.closest("li");
      if (item) { event.preventDefault(); this.take([...this.list.children].indexOf(item)); }
    });
  }

  // named are the modules by the names that the text gives them.
  named() {
    const out = new Map();
    for (const m of this.pane.area.value.matchAll(/([\w \t,]+)=((?:\s*,?\s*require\s*\(?\s*["'][\w.]+["']\)?)+)/g)) {
      const names = m[1].replace(/\blocal\b/, "").split(",").map((s) => s.trim());
      [...m[2].matchAll(/["']([\w.]+)["']/g)].forEach((one, i) => { if (names[i]) out.set(names[i], one[1]); });
    }
    return out;
  }

  // of finds what the names of a variable are: by what it was required as, by its
  // own name, or by what it is usually called.
  of(name) {
    if (!name) return "";
    const usual = { self: "plugin", response: "http.response", session: "http.session", "response.timings": "http.timings", "response.tls": "http.tls" };
    const known = this.named().get(name) ?? usual[name] ?? name;
    return this.words.some((w) => w.of === known) ? known : known.split(".").at(-1);
  }

  offer(event) {
    const { value, selectionStart: at } = this.pane.area;
    const before = value.slice(0, at);
    const m = before.match(/(?:([\w.]+)[.:])?(\w*)$/);
    this.typed = m[2];
    if (event.inputType === "deleteContentBackward" && !m[1] || !m[1] && m[2].length < 2 || /^\d/.test(m[2])) { this.close(); return; }
    const line = lines(before).at(-1).at(-1);
    if (line && (line[0] === "comment" || line[0] === "string" && !/["']$/.test(line[1].slice(1)))) { this.close(); return; }
    const of = this.of(m[1]);
    this.hits = this.words.filter((w) => w.of === of && w.name.startsWith(m[2]) && w.name !== m[2]).slice(0, 60);
    if (!this.hits.length) { this.close(); return; }
    this.list.replaceChildren(...this.hits.map((w, i) => {
      const item = element("li");
      item.setAttribute("role", "option");
      item.id = this.list.id + "-" + i;
      item.append(element("code", "", w.shown));
      if (w.text) item.append(element("span", "quiet", w.text));
      return item;
    }));
    this.list.hidden = false;
    this.place(before);
    this.choose(0);
  }

  // place puts the list below the caret.
  place(before) {
    const number = before.split("\n").length - 1, line = this.pane.copy.children[number];
    const probe = document.createRange(), text = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let left = before.length - before.lastIndexOf("\n") - 1 - this.typed.length, x = line.getBoundingClientRect().left;
    while (text.nextNode()) {
      const node = text.currentNode;
      if (left <= node.data.length) { probe.setStart(node, left); probe.setEnd(node, left); x = probe.getBoundingClientRect().left || x; break; }
      left -= node.data.length;
    }
    const box = this.pane.stack.getBoundingClientRect();
    this.list.style.left = Math.max(0, x - box.left) + "px";
    this.list.style.top = line.getBoundingClientRect().bottom - box.top + 2 + "px";
  }

  choose(i) {
    this.at = (i + this.hits.length) % this.hits.length;
    [...this.list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === this.at)));
    this.list.children[this.at].scrollIntoView({ block: "nearest" });
    this.pane.area.setAttribute("aria-activedescendant", this.list.children[this.at].id);
  }

  key(event) {
    if (this.list.hidden) return;
    switch (event.key) {
      case "ArrowDown": this.choose(this.at + 1); break;
      case "ArrowUp": this.choose(this.at - 1); break;
      case "Enter": case "Tab": this.take(this.at); break;
      case "Escape": this.close(); break;
      default: return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  take(i) {
    const rest = this.hits[i].name.slice(this.typed.length);
    this.close();
    this.pane.area.focus();
    document.execCommand("insertText", false, rest);
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.pane.area.removeAttribute("aria-activedescendant");
  }
}

// Editor is the form with all its files.
class Editor {
  constructor(form) {
    this.form = form;
    this.found = form.querySelector("[data-found]");
    const words = JSON.parse(form.dataset.words || "[]") ?? [];
    this.panes = [...form.querySelectorAll(".lua-text")].map((area) => new Pane(area, () => this.typed()));
    if (words.length) for (const pane of this.panes) new Words(pane, words);
    const first = [...this.found.querySelectorAll("a[data-line]")].map((a) => ({ file: +a.dataset.file, line: +a.dataset.line,
      warning: a.closest("li").classList.contains("is-warning"), message: a.lastChild.textContent.replace(/^\s*Warning: /, "").trim() }));
    this.mark(first);
    this.found.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-line]");
      if (!link) return;
      event.preventDefault();
      (this.panes[link.dataset.file] ?? this.panes[0]).show(+link.dataset.line, +link.dataset.column);
    });
    this.clean = this.text();
    form.addEventListener("submit", (event) => { if (!event.submitter?.matches("[data-try]")) this.leaving = true; });
    addEventListener("pageshow", () => { this.leaving = false; });
    addEventListener("beforeunload", (event) => { if (!this.leaving && this.text() !== this.clean) event.preventDefault(); });
  }

  text() { return this.panes.map((p) => p.area.value).join("\0"); }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), 400);
  }

  mark(found) {
    this.panes.forEach((pane, i) => pane.mark(found.filter((n) => n.file === i)));
  }

  // check asks the server what is wrong with what is there now.
  async check() {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    const data = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (/^(path|base|folder|(file|text)\.\d+)$/.test(name)) data.append(name, value);
    data.set("do", "problems");
    try {
      const answer = await fetch(this.form.action, { method: "POST", body: data, signal: asking.signal, headers: { Accept: "application/json" } });
      if (!answer.headers.get("Content-Type")?.startsWith("application/json")) throw new Error(answer.status);
      const { found, loads, form } = await answer.json();
      this.mark(found);
      this.list(found);
      const values = document.getElementById("try-values");
      if (loads && values && values.dataset.form !== form) await this.redraw(asking.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.found.replaceChildren(element("p", "quiet", "It could not be checked: the server did not answer. What you wrote is still here."));
    }
  }

  list(found) {
    const fine = found.every((n) => n.warning) ? [element("p", "fine", "It loads.")] : [];
    if (!found.length) { this.found.replaceChildren(...fine); return; }
    const ul = element("ul");
    for (const n of found) {
      const li = element("li", n.warning ? "is-warning" : "is-error"), link = element("a");
      link.href = "#text-" + Math.max(n.file, 0);
      link.dataset.file = n.file;
      link.dataset.line = n.line;
      link.dataset.column = n.column;
      if (n.where) link.append(element("code", "", n.where), " ");
      link.append((n.warning ? "Warning: " : "") + n.message);
      li.append(link);
      ul.append(li);
    }
    this.found.replaceChildren(...fine, ul);
  }

  // redraw gets the form to try with anew: the draft has other fields now.
  async redraw(signal) {
    const data = new URLSearchParams(new FormData(this.form));
    data.set("do", "check");
    const answer = await fetch(this.form.action, { method: "POST", body: data, signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById("try-values"), now = document.getElementById("try-values");
    if (!next || !now || now.contains(document.activeElement)) return;
    const kept = new Map([...now.querySelectorAll("input[type=password]")].map((i) => [i.name, i.value]));
    const fresh = document.importNode(next, true);
    for (const input of fresh.querySelectorAll("input[type=password]")) if (kept.get(input.name)) input.value = kept.get(input.name);
    now.replaceWith(fresh);
    const { forms } = await import("./forms.js");
    forms(fresh);
    this.form.dispatchEvent(new Event("input")); // fields that do not apply are hidden
  }
}

for (const pre of document.querySelectorAll("[data-lua]")) read(pre);
for (const form of document.querySelectorAll("[data-plugin-editor]")) new Editor(form);
