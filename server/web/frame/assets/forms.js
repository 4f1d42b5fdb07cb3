// Forms: fields that do not apply are hidden, rows come and go, long lists get a
// filter, and "Try" shows its result without losing what was typed.

export function forms(root) {
  for (const form of root.querySelectorAll("form")) {
    if (form.querySelector("[data-show-if]")) {
      form.addEventListener("input", () => applyConditions(form));
      applyConditions(form);
    }
  }
  for (const list of root.querySelectorAll("[data-rows]")) rows(list);
  for (const picker of root.querySelectorAll("[data-picker]")) filter(picker);
  for (const form of root.querySelectorAll("[data-edit]")) trying(form);
  const first = root.getElementById?.("errors");
  if (first) first.focus({ preventScroll: false });
  for (const form of root.querySelectorAll("form[method=post]:not([data-edit])")) {
    form.addEventListener("submit", (event) => event.submitter?.setAttribute("aria-busy", "true"));
  }
  addEventListener("pageshow", () => { for (const b of document.querySelectorAll("[aria-busy]")) b.removeAttribute("aria-busy"); });
}

// valuesOf are the values of a name, as the server would read them.
function valuesOf(form, name) {
  const inputs = [...form.elements].filter((e) => e.name === name && e.type !== "hidden" || e.name === name && e.tagName === "INPUT");
  const out = [];
  for (const input of inputs) {
    if (input.type === "checkbox" && inputs.length === 1 && !input.closest("fieldset.picker, .choices")) out.push(input.checked ? "true" : "false");
    else if (input.type === "checkbox" || input.type === "radio") { if (input.checked) out.push(input.value); }
    else out.push(input.value);
  }
  return out.length ? out : [""];
}

function applyConditions(form) {
  const hidden = new Set();
  const fields = [...form.querySelectorAll("[data-show-if]")];
  for (let round = 0; round <= fields.length; round++) { // a field that is hidden hides those that hang on it
    let changed = false;
    for (const field of fields) {
      let show = true;
      for (const [name, wanted] of Object.entries(JSON.parse(field.dataset.showIf))) {
        show = show && !hidden.has(name) && valuesOf(form, name).some((v) => wanted.includes(v));
      }
      const name = field.dataset.field;
      if (show === hidden.has(name)) { show ? hidden.delete(name) : hidden.add(name); changed = true; }
      field.hidden = !show;
    }
    if (!changed) break;
  }
}

function rows(list) {
  const template = list.querySelector(":scope > template"), box = list.querySelector(":scope > .row-list");
  const add = list.querySelector(":scope > [data-add-row]");
  if (!template || !add) return;
  let next = box.children.length;
  add.addEventListener("click", (event) => {
    event.preventDefault();
    const copy = template.content.cloneNode(true);
    for (const node of copy.querySelectorAll("*")) {
      for (const attribute of [...node.attributes]) {
        if (attribute.value.includes("__N__")) attribute.value = attribute.value.replaceAll("__N__", next);
      }
    }
    next++;
    box.append(copy);
    const form = list.closest("form");
    if (box.querySelector("[data-show-if]")) {
      if (!form.dataset.conditions) form.addEventListener("input", () => applyConditions(form));
      form.dataset.conditions = "1";
      applyConditions(form);
    }
    box.lastElementChild.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-row]");
    if (!button) return;
    event.preventDefault();
    button.closest("[data-row]").remove();
    add.focus();
  });
}

function filter(picker) {
  const box = picker.querySelector(".choices");
  if (!box || box.children.length < 9) return;
  const input = document.createElement("input");
  input.type = "search";
  input.className = "picker-filter";
  input.placeholder = "Filter";
  input.setAttribute("aria-label", "Filter " + (picker.querySelector("legend")?.textContent.trim() ?? ""));
  input.addEventListener("input", () => {
    const text = input.value.trim().toLowerCase();
    for (const one of box.children) one.hidden = !one.textContent.toLowerCase().includes(text);
  });
  input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  box.before(input);
}

// trying posts the form for "Try" and shows what comes back beside it. Where the
// server finds the values wrong, the whole page that it sent takes the place of
// this one.
function trying(form) {
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button?.matches("[data-try]")) {
      button?.setAttribute("aria-busy", "true");
      return;
    }
    event.preventDefault();
    if (button.getAttribute("aria-busy")) return;
    const place = form.querySelector("[data-tried]");
    button.setAttribute("aria-busy", "true");
    try {
      const data = new URLSearchParams(new FormData(form, button));
      const answer = await fetch(form.action, { method: "POST", body: data });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const wrong = page.querySelector("form[data-edit]") && page.getElementById("errors");
      mark(form, page);
      document.getElementById("errors")?.remove();
      if (wrong) {
        form.before(document.importNode(wrong, true));
        document.getElementById("errors").focus();
        place.replaceChildren();
      } else if (page.querySelector("[data-tried]")) {
        place.replaceChildren(...document.importNode(page.querySelector("[data-tried]"), true).childNodes);
        place.querySelector("#try")?.focus({ preventScroll: true });
        place.scrollIntoView({ block: "nearest" });
      } else {
        place.textContent = page.querySelector("main")?.textContent ?? "It could not be tried.";
      }
    } catch {
      place.textContent = "The server could not be reached. Nothing was tried.";
    }
    button.removeAttribute("aria-busy");
  });
}

// mark takes over which fields are wrong from the page that the server sent.
function mark(form, page) {
  for (const field of form.querySelectorAll("[data-field]")) {
    const next = page.querySelector(`[data-field="${CSS.escape(field.dataset.field)}"]`);
    for (const old of field.querySelectorAll(":scope > .error")) old.remove();
    field.classList.toggle("wrong", !!next?.classList.contains("wrong"));
    const error = next?.querySelector(":scope > .error");
    if (error) field.append(document.importNode(error, true));
    for (const input of field.querySelectorAll(":scope > .control > [id]")) {
      const theirs = next?.querySelector(`#${CSS.escape(input.id)}`);
      for (const name of ["aria-invalid", "aria-describedby"]) {
        const value = theirs?.getAttribute(name);
        value ? input.setAttribute(name, value) : input.removeAttribute(name);
      }
    }
  }
}
