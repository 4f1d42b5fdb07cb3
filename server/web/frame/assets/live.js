// Live pages: when the server says that something changed, the page is fetched
// again and only what differs inside [data-live] is put in place. Scroll, focus
// and what somebody typed stay as they are.

const kinds = ["check", "result", "service", "instance", "incident", "delivery", "plugin", "user", "token", "settings", "plugin_settings", "silence", "rota", "resync"];
const least = 1000; // milliseconds between two looks

export function follow() {
  const wanted = document.body.dataset.events;
  if (!wanted || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const show = (text) => { if (state) { state.textContent = text; state.hidden = !text; } };
  let due = false, busy = false, last = 0, timer = 0;

  const look = async () => {
    if (busy) { due = true; return; }
    clearTimeout(timer);
    const wait = least - (Date.now() - last);
    if (wait > 0) { timer = setTimeout(look, wait); return; }
    if (document.hidden) { due = true; return; }
    busy = true; due = false; last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.redirected || answer.status === 401) { location.reload(); return; }
      if (answer.ok) patch(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* the stream tells when the server is back */ }
    busy = false;
    if (due) look();
  };

  let source;
  const listen = () => {
    source = new EventSource("/api/v1/events?" + wanted);
    for (const kind of kinds) source.addEventListener(kind, look);
    source.onopen = () => { show(""); look(); }; // what changed since the page was drawn came before the stream
    source.onerror = () => {
      show("Not connected: what is shown may be old.");
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { listen(); look(); }, 10_000);
    };
  };
  listen();
  document.addEventListener("visibilitychange", () => { if (!document.hidden && due) look(); });
  addEventListener("pagehide", () => source.close());
  setInterval(() => { if (!document.hidden) look(); }, 30_000); // ages grow without events
}

// patch replaces what differs in the live parts of the page.
export function patch(fresh) {
  if (document.title !== fresh.title) document.title = fresh.title;
  const [icon, next] = [document, fresh].map((page) => page.querySelector("link[rel=icon]"));
  if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.replaceWith(document.importNode(next, true));
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next) morph(part, next);
  }
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
