// What a page does beyond showing: hover, sort, search, lock. Without it everything stays readable.
(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Light or dark: as the system has it, until the button says otherwise.
  const theme = document.getElementById("theme");
  if (theme) {
    const dark = () => document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    theme.hidden = false;
    theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; });
  }

  // A token's figures, at the pointer or, by the arrow keys, at the token.
  const tip = document.getElementById("tip");
  let here = null;
  function words(token) {
    const data = token.dataset;
    const measure = token.closest("[data-measure]")?.dataset.measure || "value";
    return [
      JSON.stringify(token.textContent),
      data.v && `${measure} ${data.v}`, data.p && `position ${data.p}`, data.l && `loss ${data.l} nats`,
      data.i && `token ${data.i}`, data.s,
    ].filter(Boolean).join("\n");
  }
  function show(token) {
    if (here) here.classList.remove("here");
    here = token;
    if (!token) { tip.hidden = true; return; }
    token.classList.add("here");
    tip.textContent = words(token);
    tip.hidden = false;
    const place = token.getBoundingClientRect();
    const left = Math.min(Math.max(4, place.left), innerWidth - tip.offsetWidth - 4);
    const below = place.bottom + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? Math.max(4, place.top - tip.offsetHeight - 6) : below}px`;
  }
  document.addEventListener("pointerover", (event) => show(event.target.closest?.(".t") ?? null));
  document.addEventListener("focusout", () => show(null));
  document.addEventListener("keydown", (event) => {
    const text = document.activeElement;
    if (event.key === "Escape") { show(null); return; }
    if (!text?.classList.contains("tokens")) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    const tokens = all(".t", text);
    const from = here && text.contains(here) ? tokens.indexOf(here) : tokens.findIndex((t) => t.classList.contains("m")) - step;
    const to = Math.min(Math.max(0, (Number.isFinite(from) ? from : 0) + step), tokens.length - 1);
    if (tokens[to]) { show(tokens[to]); tokens[to].dispatchEvent(new CustomEvent("look", { bubbles: true })); }
    event.preventDefault();
  });

  // Tables: a click on a heading sorts, the field searches, long ones grow on demand.
  const number = (text) => {
    const found = /^[^\d+-]*([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)/i.exec(text.replace("−", "-"));
    return found ? Number(found[1].replaceAll(",", "")) : NaN;
  };
  for (const holder of all("[data-table]")) {
    const [body, heads] = [holder.querySelector("tbody"), all("thead th", holder)];
    const isNumber = heads.map((head) => head.classList.contains("number"));
    const data = all('script[type="application/json"]', holder)[0];
    const rows = data
      ? JSON.parse(data.textContent)
      : all("tr", body).map((row) => all("th,td", row).map((cell) => {
        const link = cell.querySelector("a");
        return link ? [cell.textContent, link.getAttribute("href")] : cell.textContent;
      }));
    const text = (cell) => Array.isArray(cell) ? cell[0] : cell;
    const search = holder.querySelector("input");
    const [more, about] = [holder.querySelector("button.more"), holder.querySelector("p.more")];
    let [limit, order, sorted] = [100, 0, -1];
    let shown = rows;
    function draw() {
      body.replaceChildren(...shown.slice(0, limit).map((row) => {
        const line = document.createElement("tr");
        row.forEach((cell, place) => {
          const box = document.createElement(place ? "td" : "th");
          if (!place) box.scope = "row";
          if (isNumber[place]) box.className = "number";
          if (Array.isArray(cell)) {
            const link = document.createElement("a");
            link.href = cell[1];
            link.textContent = cell[0];
            box.append(link);
          } else { box.textContent = cell; }
          line.append(box);
        });
        return line;
      }));
      if (about) {
        about.firstChild.textContent = shown.length > limit ? `The first ${limit} of ${shown.length.toLocaleString("en")} rows. ` : "";
        more.hidden = shown.length <= limit;
      }
      const count = holder.querySelector(".count");
      if (count) count.textContent = search.value ? `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` : "";
    }
    function choose() {
      const wanted = (search?.value ?? "").trim().toLowerCase();
      shown = wanted ? rows.filter((row) => row.some((cell) => text(cell).toLowerCase().includes(wanted))) : rows.slice();
      if (sorted >= 0) {
        const key = isNumber[sorted] ? (row) => number(text(row[sorted])) : (row) => text(row[sorted]);
        const keyed = shown.map((row, place) => [key(row), place, row]);
        // What has no number stands last, whichever way the others go; equal rows keep their order.
        keyed.sort(([a, i], [b, j]) => {
          if (typeof a === "string") return order * a.localeCompare(b) || i - j;
          if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b) || i - j;
          return order * (a - b) || i - j;
        });
        shown = keyed.map(([, , row]) => row);
      }
      draw();
    }
    if (rows.length > 1) {
      heads.forEach((head, place) => {
        if (!head.textContent.trim()) return;
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = head.textContent;
        head.replaceChildren(button);
        button.addEventListener("click", () => {
          order = sorted === place ? -order : isNumber[place] ? -1 : 1;
          sorted = place;
          for (const other of heads) other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", order < 0 ? "descending" : "ascending");
          choose();
        });
      });
    }
    if (search) {
      holder.querySelector(".tools").hidden = false;
      let wait = 0;
      search.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => { limit = 100; choose(); }, 80); });
    }
    if (more) {
      more.hidden = false;
      more.addEventListener("click", () => { limit += 500; draw(); });
    }
  }

  // A link to a folded part opens it.
  function unfold() {
    const part = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (part && part.tagName === "DETAILS") { part.open = true; part.scrollIntoView(); part.querySelector("summary").focus(); }
  }
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => all("details").slice(0, 100).forEach((part) => { part.open = true; }));

  // Attention: a thumbnail a head; pointing enlarges, a click locks.
  for (const holder of all("[data-maps]")) {
    const data = JSON.parse(all('script[type="application/json"]', holder)[0].textContent);
    const weights = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
    const n = data.tokens.length;
    const size = data.both ? n * n : n * (n + 1) / 2;
    const at = (head, i, j) => (!data.both && j > i) ? 0 : weights[head * size + (data.both ? i * n : i * (i + 1) / 2) + j];
    const [panel, name] = [holder.querySelector(".head"), holder.querySelector(".name")];
    const [large, text] = [panel.querySelector("canvas"), panel.querySelector(".tokens")];
    function paint(canvas, head) {
      canvas.width = canvas.height = n;
      const context = canvas.getContext("2d");
      const image = context.createImageData(n, n);
      for (let i = 0; i < n; i += 1) {
        for (let j = 0; j < n; j += 1) {
          const share = at(head, i, j) / 255;
          const place = 4 * (i * n + j);
          image.data[place] = 247 - share * 237;
          image.data[place + 1] = 247 - share * 169;
          image.data[place + 2] = 247 - share * 107;
          image.data[place + 3] = 255;
        }
      }
      context.putImageData(image, 0, 0);
    }
    const tokens = data.tokens.map((word, place) => {
      const token = document.createElement("i");
      token.className = "t";
      token.textContent = word;
      token.dataset.p = place;
      return token;
    });
    text.replaceChildren(...tokens);
    let [locked, current] = [-1, -1];
    function from(place) {
      tokens.forEach((token, other) => {
        const weight = at(current, place, other);
        const step = Math.round(weight / 255 * 10);
        token.className = `t${step ? ` p${step}` : ""}${other === place ? " m" : ""}`;
        token.dataset.v = (weight / 255).toFixed(2);
        token.dataset.s = `seen from ${JSON.stringify(data.tokens[place])}`;
      });
    }
    function open(head) {
      current = head;
      panel.hidden = false;
      name.textContent = `Layer ${Math.floor(head / data.heads)}, head ${head % data.heads}${head === locked ? " (locked)" : ""}`;
      paint(large, head);
      from(n - 1);
    }
    text.addEventListener("pointerover", (event) => { const place = tokens.indexOf(event.target); if (place >= 0) from(place); });
    text.addEventListener("look", (event) => { const place = tokens.indexOf(event.target); if (place >= 0) from(place); });
    const buttons = [];
    for (let layer = 0; layer < data.layers; layer += 1) {
      const row = document.createElement("div");
      const title = document.createElement("span");
      title.textContent = `layer ${layer}`;
      row.append(title);
      for (let h = 0; h < data.heads; h += 1) {
        const head = layer * data.heads + h;
        const button = document.createElement("button");
        button.type = "button";
        button.title = `L${layer}H${h}`;
        button.setAttribute("aria-label", `Layer ${layer}, head ${h}`);
        button.setAttribute("aria-pressed", "false");
        button.tabIndex = head ? -1 : 0;
        const canvas = document.createElement("canvas");
        paint(canvas, head);
        button.append(canvas);
        button.addEventListener("pointerenter", () => { if (locked < 0) open(head); });
        button.addEventListener("focus", () => { if (locked < 0) open(head); });
        button.addEventListener("click", () => {
          locked = locked === head ? -1 : head;
          buttons.forEach((other, place) => other.setAttribute("aria-pressed", String(place === locked)));
          open(head);
        });
        row.append(button);
        buttons.push(button);
      }
      holder.querySelector(".heads").append(row);
    }
    holder.querySelector(".heads").addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: data.heads, ArrowUp: -data.heads }[event.key];
      const place = buttons.indexOf(document.activeElement);
      if (step === undefined || place < 0 || !buttons[place + step]) return;
      buttons[place].tabIndex = -1;
      buttons[place + step].tabIndex = 0;
      buttons[place + step].focus();
      event.preventDefault();
    });
    if (buttons.length) open(0);
  }

  // A page that is still being made asks again; without a script the browser does so by itself.
  const again = document.getElementById("content").dataset.again;
  if (again) setTimeout(() => location.replace(again), 1000);
})();
