// Search, filters, copying and the colour scheme. The page is complete without any of it.
// Text of a report is only ever compared and copied here, never turned into markup.
(() => {
  "use strict";
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const query = find("#query");
  const inFile = find("#in-file");
  const boxes = all(".toggle input");
  root.classList.add("scripted");
  find(".tools").hidden = false;

  // Colour scheme: the reader's own, until the button says otherwise.
  const scheme = find("#scheme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.scheme || (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { scheme.textContent = isDark() ? "Light" : "Dark"; };
  const keep = (value) => {
    try {
      if (value) localStorage.setItem("modelassay-scheme", value);
      return localStorage.getItem("modelassay-scheme");
    } catch {
      return null; // storage is switched off: the choice lasts as long as the page
    }
  };
  const kept = keep();
  if (kept === "dark" || kept === "light") root.dataset.scheme = kept;
  scheme.addEventListener("click", () => {
    root.dataset.scheme = isDark() ? "light" : "dark";
    keep(root.dataset.scheme);
    name();
  });
  dark.addEventListener("change", name);
  name();

  // Filters. What an element says is read once, when it is first needed.
  const said = new WeakMap();
  const words = (element) => {
    let text = said.get(element);
    if (text === undefined) {
      text = element.textContent.toLowerCase();
      said.set(element, text);
    }
    return text;
  };
  const findings = all(".finding").map((element) => {
    const group = element.closest(".group");
    return {
      element,
      group,
      rest: element.closest(".rest"),
      severity: element.dataset.severity,
      file: element.dataset.file.toLowerCase(),
      // The words of the rule count for each of its findings.
      rule: () => words(group.querySelector("summary")) + " " + words(group.querySelector(".rule")),
    };
  });
  const rows = all("tr[data-file]");
  const groups = all(".group");
  const shown = find("#shown");
  const wasOpen = new Map(all(".group, .rest").map((element) => [element, element.open]));
  let filtered = false;

  const apply = () => {
    const text = query.value.trim().toLowerCase();
    const file = inFile.value.trim().toLowerCase();
    const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const active = text !== "" || file !== "";
    const counts = new Map();
    const holding = new Set();
    let visible = 0;
    for (const one of findings) {
      const match =
        severities.has(one.severity) &&
        one.file.includes(file) &&
        (text === "" || words(one.element).includes(text) || one.rule().includes(text));
      one.element.hidden = !match;
      if (!match) continue;
      visible += 1;
      counts.set(one.group, (counts.get(one.group) || 0) + 1);
      if (one.rest) holding.add(one.rest);
    }
    for (const group of groups) group.hidden = !counts.has(group);
    for (const row of rows) {
      row.hidden = !(row.dataset.file.toLowerCase().includes(file) && (text === "" || words(row).includes(text)));
      const rest = row.closest(".rest");
      if (rest && !row.hidden) holding.add(rest);
    }
    for (const [element, open] of wasOpen) {
      if (active) element.open = element.classList.contains("rest") ? holding.has(element) : true;
      else if (filtered) element.open = open;
      if (element.classList.contains("rest")) element.hidden = active && !holding.has(element);
    }
    filtered = active;
    const everything = visible === findings.length && !active;
    const number = (value) => value.toLocaleString("en");
    shown.textContent = everything
      ? ""
      : `${number(visible)} of ${number(findings.length)} findings shown, ` +
        `${number(rows.filter((row) => !row.hidden).length)} of ${number(rows.length)} rows of files and gaps`;
  };
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, findings.length + rows.length > 2000 ? 200 : 30);
  };
  query.addEventListener("input", soon);
  inFile.addEventListener("input", soon);
  for (const box of boxes) box.addEventListener("change", apply);

  // Keys: "/" searches, Escape clears.
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      query.focus();
      query.select();
    } else if (event.key === "Escape" && typing) {
      event.target.value = "";
      apply();
    }
  });

  const openAll = (open) => {
    for (const element of all("main details")) if (!element.closest("[hidden]")) element.open = open;
  };
  find("#open-all").addEventListener("click", () => openAll(true));
  find("#close-all").addEventListener("click", () => openAll(false));

  // Copying: by the clipboard where the browser allows it, else by selecting the text.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest ? event.target.closest(".copy") : null;
    if (!button) return;
    const source = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // A link to a finding opens what it is in.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let part = target.parentElement; part; part = part.parentElement) {
      if (part instanceof HTMLDetailsElement) part.open = true;
    }
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // Paper has no summaries to open.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    for (const element of all("main details:not([open])")) {
      element.open = true;
      opened.push(element);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const element of opened.splice(0)) element.open = false;
  });
})();
