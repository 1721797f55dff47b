// Lays out text in which tables are written as lines of pipes (`| a | b |`), for every component that shows others' text.
// `laidOut(runs)`: runs are stretches of one text, each dressed in its own way ({text, dress, close}); a stretch may
// begin and end anywhere, inside a cell too. `dress(words, first, at)` makes the node for a piece of it that begins
// `at` characters into the stretch; `close(node)`
// is called once with its last piece. Text reaches the page through textContent only.

const RULER = /^[\s|:+=-]*-[\s|:+=-]*$/;
const FIGURE = /^[-+\u2212(]?\s*[$\u20ac\u00a3]?\s*[-\u2212(]?[\d][\d.,\s]*\s*[%)]*$/;
const HEADER_ROWS = 4;

const isRow = (line) => /^\s*\|.*\|\s*$/.test(line) && line.trim().length > 2;

// Lines as [start, end) without their line break.
const lines = (text) => {
  const found = [];
  let start = 0;
  for (const line of text.split("\n")) {
    found.push([start, start + line.length]);
    start += line.length + 1;
  }
  return found;
};

// Cells of a row as [start, end) without the space around them; `\|` is a pipe inside a cell.
const cells = (text, [start, end]) => {
  const found = [];
  let from = text.indexOf("|", start) + 1;
  for (let at = from; at < end; at += 1) {
    if (text[at] !== "|" || text[at - 1] === "\\") continue;
    const cell = text.slice(from, at);
    const first = from + cell.length - cell.trimStart().length;
    found.push([first, first + cell.trim().length]);
    from = at + 1;
  }
  return found;
};

// Rows at the top that name the columns: those without a label in the first cell; else the first row alone.
const headerRows = (rows) => {
  if (rows.length < 2) return 0;
  const labelled = rows.findIndex(([first]) => first[0] < first[1]);
  return Math.min(Math.max(labelled, 1), HEADER_ROWS);
};

const figureColumns = (text, rows) => {
  const figures = new Set();
  for (let column = 0; column < Math.max(...rows.map((row) => row.length)); column += 1) {
    const words = rows.map((row) => (row[column] ? text.slice(...row[column]) : "")).filter((word) => word);
    if (words.length && words.every((word) => FIGURE.test(word) || /^[-\u2013\u2014]$/.test(word))) figures.add(column);
  }
  return figures;
};

const table = (text, spans, put) => {
  const ruled = spans.filter((span) => !RULER.test(text.slice(...span)));
  const rows = ruled.map((span) => cells(text, span)).filter((row) => row.length);
  const heads = headerRows(rows);
  const figures = figureColumns(text, rows.slice(heads).length ? rows.slice(heads) : rows);
  const width = Math.max(0, ...rows.map((row) => row.length));
  const box = document.createElement("div");
  box.className = "table";
  const made = document.createElement("table");
  const parts = { head: document.createElement("thead"), body: document.createElement("tbody") };
  rows.forEach((row, index) => {
    const line = document.createElement("tr");
    row.forEach(([start, end], column) => {
      const cell = document.createElement(index < heads ? "th" : "td");
      if (figures.has(column)) cell.className = "figure";
      if (column === row.length - 1 && row.length < width) cell.colSpan = width - row.length + 1;
      put(cell, start, end);
      line.append(cell);
    });
    parts[index < heads ? "head" : "body"].append(line);
  });
  if (heads) made.append(parts.head);
  made.append(parts.body);
  box.append(made);
  return box;
};

// Stretches of the text that are tables, and those between them, in order.
const stretches = (text) => {
  const found = [];
  for (const [start, end] of lines(text)) {
    const row = isRow(text.slice(start, end));
    const last = found[found.length - 1];
    if (last && last.row === row) last.spans.push([start, end]);
    else found.push({ row, spans: [[start, end]] });
  }
  return found;
};

const laidOut = (runs) => {
  const text = runs.map((run) => run.text).join("");
  const ends = [];
  runs.reduce((at, run, index) => (ends[index] = at + run.text.length), 0);
  const last = new Map();
  const put = (parent, start, end) => {
    runs.forEach((run, index) => {
      const from = Math.max(start, ends[index] - run.text.length);
      const to = Math.min(end, ends[index]);
      if (from >= to) return;
      const node = run.dress(text.slice(from, to), !last.has(run), from - (ends[index] - run.text.length));
      last.set(run, node);
      parent.append(node);
    });
  };
  const page = document.createDocumentFragment();
  const all = stretches(text);
  all.forEach(({ row, spans }, index) => {
    if (row) return page.append(table(text, spans, put));
    // Empty lines beside a table are its margin.
    const [start, end] = [spans[0][0], spans[spans.length - 1][1]];
    const words = text.slice(start, end);
    const lead = index > 0 ? words.length - words.replace(/^(?:[^\S\n]*\n)+/, "").length : 0;
    const tail = index < all.length - 1 ? words.length - words.replace(/\s+$/, "").length : 0;
    if (words.trim() || all.length === 1) put(page, start + lead, end - tail);
  });
  for (const [run, node] of last) run.close?.(node);
  return page;
};

const plain = (text) => ({ text, dress: (words) => document.createTextNode(words) });

