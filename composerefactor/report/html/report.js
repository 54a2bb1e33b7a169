"use strict";
(() => {
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const root = document.documentElement;
  const LEAST_SCALE = 0.6; // of a diagram: below, its names are smaller than 8 pixels
  const words = (node) => node.querySelector("title").textContent;
  for (const each of all(".tools, .filter")) each.hidden = false;

  // Light or dark mode: as in the system, until the reader chooses.
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("composerefactor-theme", value);
      return localStorage.getItem("composerefactor-theme");
    } catch { return null; }
  };
  const chosen = remembered();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  document.querySelector(".theme").addEventListener("click", () => {
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    remembered(root.dataset.theme);
  });

  // The diagram: the service under the pointer, or with the focus, is shown with its neighbours.
  for (const picture of all(".picture")) {
    const svg = picture.querySelector(".topology");
    if (!svg) continue;
    const details = picture.querySelector(".details");
    const nodes = new Map(all(".node", svg).map((node) => [node.dataset.service, node]));
    const lines = all(".line", svg).map((line) => ({
      line, caller: line.dataset.caller, callee: line.dataset.callee,
    }));
    const show = (names, hotLines) => {
      svg.classList.toggle("dimmed", names.size > 0);
      for (const [name, node] of nodes) node.classList.toggle("hot", names.has(name));
      for (const each of lines) each.line.classList.toggle("hot", hotLines.has(each));
    };
    const describe = (name) => {
      const list = (title, names) => (names.length ? ` ${title}: ${names.join(", ")}.` : "");
      const bold = document.createElement("b");
      bold.textContent = name;
      details.replaceChildren(bold,
        ` ${words(nodes.get(name)).slice(name.length + 1)}.`,
        list("Needs", lines.filter((each) => each.caller === name).map((each) => each.callee)),
        list("Needed by", lines.filter((each) => each.callee === name).map((each) => each.caller)));
      details.hidden = false;
    };
    const point = (target) => {
      const node = target?.closest?.(".node");
      const line = target?.closest?.(".line");
      if (node) {
        const name = node.dataset.service;
        const touching = lines.filter((each) => each.caller === name || each.callee === name);
        const names = new Set([name, ...touching.flatMap((each) => [each.caller, each.callee])]);
        show(names, new Set(touching));
        describe(name);
      } else if (line) {
        const each = lines.find((one) => one.line === line);
        show(new Set([each.caller, each.callee]), new Set([each]));
      } else show(new Set(), new Set());
    };
    svg.addEventListener("pointerover", (event) => point(event.target));
    svg.addEventListener("pointerleave", () => point(svg.contains(document.activeElement) ? document.activeElement : null));
    svg.addEventListener("focusin", (event) => point(event.target));
    svg.addEventListener("focusout", () => point(null));
    // Arrow keys move the focus to the nearest service in that direction.
    svg.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      const from = event.target.closest(".node");
      if (!way || !from) return;
      event.preventDefault();
      const middle = (node) => {
        const box = node.querySelector(".card").getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
      };
      const [x, y] = middle(from);
      let best = null;
      let least = Infinity;
      for (const node of nodes.values()) {
        const [dx, dy] = [middle(node)[0] - x, middle(node)[1] - y];
        const along = dx * way[0] + dy * way[1];
        const beside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (node !== from && along > 4 && along + 2.5 * beside < least) {
          least = along + 2.5 * beside;
          best = node;
        }
      }
      best?.focus();
    });
    svg.addEventListener("keydown", (event) => { if (event.key === "Escape") point(null); });
    const zoom = picture.querySelector(".zoom");
    const setActual = (isActual) => {
      picture.classList.toggle("actual", isActual);
      zoom.textContent = isActual ? "Fit to width" : "Actual size";
      zoom.setAttribute("aria-pressed", String(isActual));
    };
    zoom.addEventListener("click", () => setActual(!picture.classList.contains("actual")));
    // A diagram too small to read at the width of the page keeps its size, and scrolls in its box.
    const scale = document.querySelector("main").clientWidth / svg.width.baseVal.value;
    zoom.hidden = scale >= 1;
    if (scale < LEAST_SCALE) setActual(true);
  }

  for (const block of all(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch { getSelection().selectAllChildren(block); }
    });
    block.before(button);
  }

  // Search text and severities filter the rows.
  const input = document.querySelector(".search input");
  const hits = document.querySelector(".hits");
  const sections = all(".part").map((section) => ({
    section,
    rows: all("tbody tr, .lines li, .checks li", section).map((row) => ({ row, text: row.textContent.toLowerCase() })),
  }));
  const buttons = all(".filter button");
  const folds = new Map(); // which were open before the search
  const apply = () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(buttons.filter((each) => each.getAttribute("aria-pressed") === "false").map((each) => each.dataset.severity));
    let count = 0;
    for (const { section, rows } of sections) {
      let found = 0;
      for (const { row, text } of rows) {
        const matches = wanted.every((word) => text.includes(word));
        row.hidden = !matches || off.has(row.dataset.severity);
        if (!row.hidden) found += 1;
      }
      for (const table of all(".table", section)) table.hidden = wanted.length > 0 && !table.querySelector("tbody tr:not([hidden])");
      section.hidden = wanted.length > 0 && found === 0 && section.id !== "topology";
      for (const fold of all(".fold", section)) {
        if (wanted.length) folds.set(fold, folds.get(fold) ?? fold.open);
        const before = folds.get(fold);
        if (before === undefined || fold.querySelector(".picture")) continue;
        fold.open = wanted.length ? found > 0 : before;
        if (!wanted.length) folds.delete(fold);
      }
      count += found;
    }
    for (const node of all(".node")) {
      const text = words(node).toLowerCase();
      node.classList.toggle("found", wanted.length > 0 && wanted.every((word) => text.includes(word)));
    }
    hits.textContent = wanted.length ? `${count} found` : "";
  };
  input.addEventListener("input", apply);
  for (const each of buttons) {
    each.addEventListener("click", () => {
      each.setAttribute("aria-pressed", String(each.getAttribute("aria-pressed") === "false"));
      apply();
    });
  }
  for (const link of all(".severities a")) {
    link.addEventListener("click", () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.severity === link.dataset.severity));
      apply();
      for (const fold of all("#findings details")) fold.open = true;
    });
  }
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName ?? "");
    if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      input.focus();
      input.select();
    } else if (event.key === "Escape" && event.target === input) {
      input.value = "";
      apply();
      input.blur();
    }
  });
  // A link to a hidden row or a folded picture shows it.
  addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest("[hidden]")) {
      input.value = "";
      apply();
      target.scrollIntoView();
    }
    if (target?.matches(".part")) {
      for (const fold of all(":scope > .fold", target)) fold.open ||= !fold.querySelector(".picture");
    }
    const fold = target?.closest("details:not([open])");
    if (fold) {
      fold.open = true;
      target.scrollIntoView();
    }
  });

  // A click on a heading sorts the column; numbers are sorted as numbers.
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const ranks = { high: "0", medium: "1", low: "2", info: "3" };
  const key = (row, at) => {
    const text = row.cells[at]?.textContent.trim() ?? "";
    return ranks[text] ?? text;
  };
  for (const heading of all("th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const body = heading.closest("table").tBodies[0];
      const isUp = heading.getAttribute("aria-sort") !== "ascending";
      for (const each of heading.parentElement.cells) each.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", isUp ? "ascending" : "descending");
      const sign = isUp ? 1 : -1;
      const at = heading.cellIndex;
      body.append(...[...body.rows].sort((a, b) => sign * order.compare(key(a, at), key(b, at))));
    });
  }

  // Mark the current section in the table of contents.
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
    const current = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-80px 0px -60% 0px" });
  for (const { section } of sections) watch.observe(section);
  addEventListener("beforeprint", () => { for (const fold of all("details")) fold.open = true; });
})();
