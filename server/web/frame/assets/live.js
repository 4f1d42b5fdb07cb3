// Live pages: when the server says that something changed, the live parts of the page
// are fetched again and what differs inside [data-live] is put in place. Scroll, focus,
// what somebody typed and the order of what is pointed at stay as they are.

import { Events } from "./events.js";

const least = 1000, leastResults = 3000; // milliseconds between two looks, when something may have broken and else
const often = 30_000; // ages grow without events

// channel is where a page hears of changes: send(topic) begins, send("") ends.
function channel(hear) {
  let alone = null;
  const byItself = () => { alone ??= new Events(); };
  let port = null;
  if (window.SharedWorker) {
    try {
      const worker = new SharedWorker(new URL("./stream.js", import.meta.url), { type: "module", name: "moonwatch" });
      port = worker.port;
      port.onmessage = ({ data }) => hear(data);
      worker.onerror = () => { port = null; byItself(); };
    } catch { byItself(); }
  } else byItself();
  return (topic) => { if (port) port.postMessage({ topic }); else alone?.want(hear, topic, hear); };
}

export function follow() {
  const wanted = document.body.dataset.events;
  if (!wanted || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const show = (text) => { if (state) { state.textContent = text; state.hidden = !text; } };
  let due = false, busy = false, last = 0, timer = 0, tag = "";

  const look = async (pause = least) => {
    if (busy || document.hidden) { due = true; return; }
    clearTimeout(timer);
    const wait = pause - (Date.now() - last);
    if (wait > 0) { timer = setTimeout(look, wait); return; }
    busy = true; due = false; last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html", "Moonwatch-Part": "live", "If-None-Match": tag }, cache: "no-store" });
      if (answer.redirected || answer.status === 401) { location.reload(); return; }
      if (answer.ok) {
        tag = answer.headers.get("ETag") ?? "";
        patch(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
    } catch { /* the stream tells when the server is back */ }
    busy = false;
    if (due) look();
  };

  const send = channel(({ touched, up }) => {
    if (up !== undefined) show(up ? "" : "Not connected: what is shown may be old.");
    if (touched) look(touched.every((type) => type === "result") ? leastResults : least);
    else if (up === false) look(); // a session that ended closes the stream
  });
  // Only a page that is looked at listens.
  const listen = () => send(document.hidden ? "" : wanted);
  listen();
  document.addEventListener("visibilitychange", () => { listen(); if (!document.hidden) look(); });
  addEventListener("pagehide", () => send(""));
  addEventListener("pageshow", (e) => { if (e.persisted) { listen(); look(); } });
  setInterval(() => { if (!document.hidden) look(); }, often);
}

// held is the newest state of the page while some of it was kept in its order.
let held = null;

// release puts in order what was kept, once nobody points at it.
function release() {
  if (held && ![...document.querySelectorAll("[data-kept]")].some(pointedAt)) {
    for (const list of document.querySelectorAll("[data-kept]")) list.removeAttribute("data-kept");
    patch(held);
  }
}

let mouse = false; // a finger points at nothing once it is lifted

const pointedAt = (e) => e.matches(":focus-within") || mouse && e.matches(":hover");

document.addEventListener("pointerover", (e) => { mouse = e.pointerType !== "touch"; setTimeout(release); }, { passive: true });
document.addEventListener("focusout", () => setTimeout(release));

// patch replaces what differs in the live parts of the page.
export function patch(fresh) {
  held = null;
  said ??= sentences(document);
  if (document.title !== fresh.title) document.title = fresh.title;
  const [icon, next] = [document, fresh].map((page) => page.querySelector("link[rel=icon]"));
  if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.replaceWith(document.importNode(next, true));
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next) morph(part, next);
  }
  if (document.querySelector("[data-kept]")) held = fresh;
  speak(fresh);
}

// speak tells those who do not see the page what stands differently: one sentence of
// each [data-say] that is new, the first of them alone when there are many.
const sentences = (page) => new Set([...page.querySelectorAll("[data-say]")].map((e) => e.dataset.say));
let said = null; // null: nothing but what the page was drawn with

function speak(fresh) {
  const now = sentences(fresh);
  const news = [...now].filter((text) => !said.has(text));
  said = now;
  const place = document.getElementById("spoken");
  if (!place || news.length === 0) return;
  place.textContent = news.slice(0, 3).join(" ") + (news.length > 3 ? ` And ${news.length - 3} more.` : "");
}

// morph makes old like next and keeps every node that can stay.
function morph(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  const typing = old === document.activeElement && old.matches("input, select, textarea");
  if (typing) return;
  const came = old.dataset.last !== next.dataset.last && old.matches("svg.strip");
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of [...next.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  children(old, next);
  if (came) enter(old.lastElementChild);
}

// enter lets the newest result come into its strip: nothing else moves on a page.
function enter(bar) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  bar?.animate([{ transform: "translateX(14px)", opacity: 0 }, { transform: "none", opacity: 1 }], { duration: 320, easing: "ease-out" });
}

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

function children(old, next) {
  const byId = new Map();
  for (const child of old.children) if (child.id) byId.set(child.id, child);
  if (byId.size > 1 && pointedAt(old) && moves(next, byId)) return keep(old, next, byId);
  let at = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const known = wanted.id && byId.get(wanted.id);
    if (known && known !== at) {
      old.insertBefore(known, at);
      morph(known, wanted);
    } else if (at && alike(at, wanted)) {
      morph(at, wanted);
      at = at.nextSibling;
    } else {
      old.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// moves reports whether something that stays would get another place.
function moves(next, byId) {
  const after = [...next.children].map((e) => e.id).filter((id) => id);
  return [...byId.keys()].some((id, i) => id !== after[i]);
}

// keep brings a list up to date in the order that it has: nothing slides away under a
// pointer. What is new comes at its end, and what is gone stays, pale, until it is left.
function keep(old, next, byId) {
  old.dataset.kept = "";
  const still = new Set();
  for (const wanted of next.children) {
    still.add(wanted.id);
    const known = wanted.id && byId.get(wanted.id);
    if (known) morph(known, wanted);
    else if (wanted.id) old.append(document.importNode(wanted, true));
  }
  for (const [id, child] of byId) child.classList.toggle("gone", !still.has(id));
}
