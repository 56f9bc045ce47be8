"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const set = root.getAttribute("data-theme");
    const dark = set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.setAttribute("data-theme", dark ? "light" : "dark");
  });
  const header = document.querySelector("main header");
  if (header && matchMedia("(max-width: 36rem)").matches) header.append(button);

  const stack = (table) => {
    const names = Array.from(table.tHead ? table.tHead.rows[0].cells : [], (head) => head.textContent);
    table.classList.add("stack");
    table.setAttribute("role", "table");
    for (const row of table.tBodies[0].rows) {
      row.setAttribute("role", "row");
      Array.from(row.cells, (cell, place) => {
        cell.setAttribute("role", cell.tagName === "TH" ? "rowheader" : "cell");
        if (place && names[place]) cell.dataset.name = names[place];
      });
    }
  };
  const tables = matchMedia("(max-width: 36rem)");
  const stackAll = () => tables.matches &&
    document.querySelectorAll("main table:not(.heat, .gates, .stack)").forEach(stack);
  stackAll();
  tables.addEventListener("change", stackAll);

  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    const number = Number(text.replace(/^(−|← )/, "-").replace(/^→ | – .*| [%×]$|,/g, "") || NaN);
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, "en", { numeric: true });
  };
  const sort = (table, head) => {
    const body = table.tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    const rows = Array.from(body.rows);
    rows.sort((a, b) => (down ? -1 : 1) * compare(key(a, head.cellIndex), key(b, head.cellIndex)));
    table.querySelectorAll("thead th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  };
  const filter = (table, words, count) => {
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(words.toLowerCase());
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = words ? `${shown} of ${table.tBodies[0].rows.length} rows` : "";
  };

  document.querySelectorAll("table.sortable").forEach((table) => {
    table.querySelectorAll("thead th").forEach((head) => {
      const press = document.createElement("button");
      press.type = "button";
      press.append(...head.childNodes);
      press.addEventListener("click", () => sort(table, head));
      head.append(press);
    });
    if (table.tBodies[0].rows.length < 9) return;
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("span");
    label.className = "filter";
    field.type = "search";
    count.setAttribute("role", "status");
    field.setAttribute("aria-label", `Filter rows: ${table.caption.textContent}`);
    label.append("Filter rows ", field, " ", count);
    field.addEventListener("input", () => filter(table, field.value.trim(), count));
    table.closest(".scroll").before(label);
  });

  const $ = (id) => document.getElementById(`x-${id}`);
  const create = (tag, text, more = {}) => {
    const made = Object.assign(document.createElement(tag), more);
    made.append(...(Array.isArray(text) ? text : [text]));
    return made;
  };
  const percent = (log) => {
    const value = 100 * Math.exp(log);
    if (value >= 9.95) return `${value.toFixed(0)} %`;
    if (value >= 0.995) return `${value.toFixed(1)} %`;
    if (value >= 0.00000995) return `${value.toFixed(1 - Math.floor(Math.log10(value)))} %`;
    return `${value.toExponential(1)} %`;
  };
  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  const explore = (section) => {
    const NONE = 32767, PAGE = 25, WORDS = 12;
    const blocks = Array.from(section.querySelectorAll("script[data-probe]"), (script) => ({
      script, probe: script.dataset.probe, rows: Number(script.dataset.rows), sentences: null,
    }));
    let rows = [], first = 0, every = false, turn = 0;

    const load = async (block) => {
      if (block.sentences) return;
      const [content, scores] = block.script.textContent.split("\n");
      const data = JSON.parse(new TextDecoder().decode(await inflate(content)));
      const raw = await inflate(scores);
      const numbers = (from, size) =>
        Int16Array.from({ length: size }, (_, i) => raw[from + i] | (raw[from + size + i] << 8));
      const starts = [];
      let size = 0;
      for (const list of data.lists) { starts.push(size); size += list.length; }
      const many = data.words.length;
      const base = numbers(0, size), shifts = numbers(2 * size, many);
      const rest = numbers(2 * (size + many), block.rows);
      block.logs = new Float32Array(block.rows);
      let at = 0;
      block.sentences = data.words.map((number, place) => {
        const list = data.lists[number], start = at;
        for (let i = 0; i < list.length; i += 1, at += 1) {
          block.logs[at] = rest[at] === NONE ? NaN
            : (base[starts[number] + i] + shifts[place] + rest[at]) * data.step;
        }
        return { list, start, block, frame: data.frames[place], head: data.heads[place],
                 tail: data.tails[place], term: data.terms[place], group: data.groups[place] };
      });
      Object.assign(block, data);
    };

    const chosen = () => blocks.filter((one) => !$("probe").value || one.probe === $("probe").value);
    const options = (select, names, none) => {
      const before = select.value;
      select.replaceChildren(create("option", none, { value: "" }),
        ...names.map(([value, text]) => create("option", text, { value })));
      select.value = names.some(([value]) => value === before) ? before : "";
    };
    const merged = (some, key) => {
      const names = new Map(some.flatMap((block) => Object.entries(block[key])));
      return Array.from(names).sort((a, b) => a[1].localeCompare(b[1], "en"));
    };

    const rank = (one, i) => {
      const log = one.block.logs[one.start + i];
      return Number.isNaN(log) ? -1e9 : log;
    };
    const matches = (some, group, word, labels = word) => {
      const outcome = $("outcome").value;
      const asked = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
      const found = [];
      for (const block of some) {
        for (const one of block.sentences) {
          if (group && one.group !== group) continue;
          if (outcome && !(block.outcomes[one.group] || []).includes(outcome)) continue;
          const around = `${one.head} ${one.tail} ${block.labels[one.group]}`.toLowerCase();
          const left = asked.filter((part) => !around.includes(part));
          one.list.forEach(([target, text], i) => {
            if (word ? target !== word : i && block.whole && !labels) return;
            const said = left.length ? `${text} ${block.targets[target]}`.toLowerCase() : "";
            if (left.every((part) => said.includes(part))) found.push([one, i]);
          });
        }
      }
      const order = Number($("order").value);
      return order ? found.sort((a, b) => order * (rank(...a) - rank(...b))) : found;
    };

    const sentence = (one, i) => {
      const text = one.list[i][1];
      return create("td", [one.head, text && create("mark", text), one.tail], { className: "long" });
    };
    const shown = (block, log, unit = " nats") => {
      if (block.score === "cosine") return log.toFixed(2);
      return block.score === "probability" ? percent(log) : `${log.toFixed(1)}${unit}`;
    };
    const value = (one, i, all = one.block.whole && !$("word").value) => {
      if (all) return one.list.map(([t], j) => `${one.block.targets[t]}: ${value(one, j, false)}`).join(", ");
      const log = one.block.logs[one.start + i];
      return Number.isNaN(log) ? "not scored" : shown(one.block, log);
    };
    const cells = (one, i) => [sentence(one, i),
      create("td", one.block.labels[one.group], { className: "t" }), create("td", value(one, i))];
    const beside = (one, i, row, press) => {
      if (press.getAttribute("aria-expanded") === "true") {
        row.nextSibling.remove();
        press.setAttribute("aria-expanded", "false");
        return;
      }
      const target = one.list[i][0];
      const others = one.block.sentences.filter((other) => other.frame === one.frame)
        .flatMap((other) => other.list.map(([t], j) => (t === target ? [other, j] : null)))
        .filter(Boolean)
        .sort((a, b) => rank(...b) - rank(...a));
      const lines = others.map((other) => create("tr", cells(...other)));
      const cell = create("td", create("table", create("tbody", lines)), { colSpan: 4, className: "beside" });
      row.after(create("tr", cell));
      press.setAttribute("aria-expanded", "true");
    };
    const list = () => {
      const shown = rows.slice(first, first + PAGE).map(([one, i]) => {
        const press = create("button", "Compare", { type: "button" });
        press.setAttribute("aria-expanded", "false");
        const row = create("tr", [...cells(one, i), create("td", press, { className: "t" })]);
        press.addEventListener("click", () => beside(one, i, row, press));
        return row;
      });
      $("rows").tBodies[0].replaceChildren(...shown);
      if (tables.matches) stack($("rows"));
      $("back").disabled = first === 0;
      $("next").disabled = first + PAGE >= rows.length;
      const total = blocks.reduce((sum, block) => sum + block.rows, 0);
      const n = (number) => number.toLocaleString("en");
      $("count").textContent = rows.length
        ? `Rows ${n(first + 1)} to ${n(Math.min(first + PAGE, rows.length))} of ${n(rows.length)}; the page holds ${n(total)} scores.`
        : `No row of ${$("probe").selectedOptions[0].textContent} has all of this.`;
      $("all").hidden = rows.length > 0 || !$("probe").value;
    };

    const matrix = (block) => {
      $("table").hidden = !block;
      if (!block) return;
      const sums = new Map();
      const all = matches([block], "", "", true);
      for (const [one, i] of all) {
        const log = one.block.logs[one.start + i];
        if (Number.isNaN(log)) continue;
        const key = JSON.stringify([one.list[i][0], one.group]);
        const sum = sums.get(key) || [0, 0];
        sums.set(key, [sum[0] + (block.score === "cosine" ? log : Math.exp(log)), sum[1] + 1]);
      }
      const groups = Object.keys(block.labels).filter((g) => all.some(([one]) => one.group === g));
      const lines = Object.keys(block.targets).map((target) => ({
        target, means: groups.map((group) => {
          const sum = sums.get(JSON.stringify([target, group]));
          if (!sum) return NaN;
          return block.score === "cosine" ? sum[0] / sum[1] : Math.log(sum[0] / sum[1]);
        }),
      })).filter((line) => line.means.some((mean) => !Number.isNaN(mean)));
      const spread = ({ means }) => Math.max(...means) - Math.min(...means) || 0;
      lines.sort((a, b) => spread(b) - spread(a));
      const head = create("tr", [block.whole ? "Label" : "Word", ...groups.map((group) => block.labels[group])]
        .map((text) => create("th", text, { scope: "col" })));
      const body = (every ? lines : lines.slice(0, WORDS)).map(({ target, means }) => {
        const middle = means.reduce((sum, mean) => sum + mean, 0) / means.length;
        return create("tr", [create("th", block.targets[target], { scope: "row" }),
          ...means.map((mean, place) => {
            const edges = block.score === "cosine" ? [0.01, 0.02, 0.05, 0.1] : [0.1, 0.25, 0.5, 1];
            const steps = edges.filter((edge) => Math.abs(mean - middle) >= edge).length;
            const press = create("button", Number.isNaN(mean) ? "none"
              : shown(block, mean, ""), { type: "button" });
            press.setAttribute("aria-label",
              `${block.targets[target]}, ${block.labels[groups[place]]}: ${press.textContent}. Show its sentences`);
            press.addEventListener("click", async () => {
              await go({ group: groups[place], word: target });
              $("count").focus();
            });
            return create("td", press, { className: `h${mean < middle ? -steps : steps}` });
          })]);
      });
      const [table] = $("table").getElementsByTagName("table");
      table.tHead.replaceChildren(head);
      table.tBodies[0].replaceChildren(...body);
      $("words").hidden = lines.length <= WORDS;
      $("words").textContent = every ? "Fewer words" : `All ${lines.length} words`;
    };

    const show = async () => {
      const mine = (turn += 1), some = chosen();
      await Promise.all(some.map(load));
      if (mine !== turn) return;
      const told = new Set(some.flatMap((block) => Object.values(block.outcomes).flat()));
      for (const option of $("outcome").options) option.hidden = option.value && !told.has(option.value);
      options($("group"), merged(some, "labels"), "all");
      options($("word"), merged(some, "targets"), "all");
      rows = matches(some, $("group").value, $("word").value);
      first = 0;
      list();
      matrix(some.length === 1 ? some[0] : null);
    };
    const go = async ({ probe, group = "", word = "" }) => {
      if (probe !== undefined) {
        $("probe").value = probe;
        ["outcome", "text", "order"].forEach((name) => { $(name).value = ""; });
      }
      await show();
      const pick = (select, name) => {
        const option = Array.from(select.options).find((o) => o.value === name || o.textContent === name);
        select.value = option ? option.value : "";
      };
      pick($("group"), group);
      pick($("word"), word);
      await show();
    };

    let timer = 0;
    ["probe", "group", "word", "outcome", "order"].forEach((name) => $(name).addEventListener("change", show));
    $("text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 120); });
    $("back").addEventListener("click", () => { first = Math.max(0, first - PAGE); list(); });
    $("next").addEventListener("click", () => { first += PAGE; list(); });
    $("all").addEventListener("click", () => { $("probe").value = ""; show(); });
    $("clear").addEventListener("click", () => {
      ["probe", "group", "word", "outcome", "text", "order"].forEach((name) => { $(name).value = ""; });
      show();
    });
    $("words").addEventListener("click", () => { every = !every; matrix(chosen()[0]); });
    document.querySelectorAll("[data-go]").forEach((link) => link.addEventListener("click", async () => {
      const [probe, group, word] = link.dataset.go.split("\t");
      await go({ probe, group, word });
      document.getElementById("explorer-title").focus();
    }));
    document.getElementById("explore").hidden = false;
    section.querySelector(".unscripted").hidden = true;
    new IntersectionObserver((seen, watch) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      if (!turn) show();
    }, { rootMargin: "400px" }).observe(section);
  };
  const section = document.getElementById("explorer");
  if (section) explore(section);

  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", open);
  open();

  const unfold = document.getElementById("unfold");
  if (unfold) {
    const folded = document.querySelectorAll("details.cover");
    unfold.hidden = folded.length === 0;
    unfold.addEventListener("click", () => {
      const open = unfold.getAttribute("aria-pressed") !== "true";
      unfold.setAttribute("aria-pressed", String(open));
      folded.forEach((part) => { part.open = open; });
    });
  }

  document.querySelectorAll("svg").forEach((chart) => {
    const points = Array.from(chart.querySelectorAll(".point"));
    const label = document.createElementNS(chart.namespaceURI, "text");
    label.setAttribute("class", "label");
    label.setAttribute("aria-hidden", "true");
    const name = (event) => {
      const spot = event.currentTarget.querySelector("circle");
      const x = spot.cx.baseVal.value, right = x > chart.viewBox.baseVal.width / 2;
      label.textContent = event.currentTarget.querySelector("title").textContent;
      label.setAttribute("x", x + (right ? -10 : 10));
      label.setAttribute("y", spot.cy.baseVal.value - 8);
      label.setAttribute("text-anchor", right ? "end" : "start");
      chart.append(label);
    };
    points.forEach((point, place) => {
      point.setAttribute("tabindex", place ? "-1" : "0");
      ["mouseenter", "focus"].forEach((kind) => point.addEventListener(kind, name));
      ["mouseleave", "blur"].forEach((kind) => point.addEventListener(kind, () => label.remove()));
      point.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        const next = points[place + (step || 0)];
        if (!step || !next) return;
        event.preventDefault();
        point.setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
      });
    });
  });
})();
