// Shows an answer: sentences, their citations as buttons, and the list of sources.
// Everything from outside goes through textContent; nothing is ever parsed as markup.
// Sends `cited`, the index of a citation, when a person presses it or its source.

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const button = (className, text, label, press) => {
  const made = element("button", className, text);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.onclick = press;
  return made;
};

const tilde = (words) => {
  const mark = element("span", "tilde", "~ ");
  mark.title = words.unsupported;
  mark.setAttribute("aria-label", words.unsupported);
  return mark;
};

// Words that only this answer has: underlined and marked, and said to who cannot see either.
const marked = (piece, at, marks, words) => {
  const made = element("span", "words");
  let from = 0;
  for (const [start, end] of marks) {
    const [first, last] = [Math.max(start - at, from), Math.min(end - at, piece.length)];
    if (first >= last) continue;
    const mark = element("mark");
    mark.append(element("span", "unseen", `${words.onlyHere}: `), piece.slice(first, last));
    made.append(piece.slice(from, first), mark);
    from = last;
  }
  made.append(piece.slice(from));
  return made;
};

// A part as a run of text: every piece of it dressed alike, the source's number behind its last word.
const run = (part, words, press) => ({
  text: part.text,
  dress: (piece, first, at) => {
    const made = element("span", `sentence ${part.kind}`);
    if (first && part.kind === "unsupported") made.append(tilde(words));
    made.append(marked(piece, at, part.marks, words));
    return made;
  },
  close: (made) => {
    if (part.number === null) return;
    made.append("\u2060", button("citation", String(part.number), part.where, () => press(part.citation)));
  },
});

const block = (parts, className, words, press) => {
  const made = element(className === "quoted" ? "blockquote" : "div", className);
  if (className === "quoted") made.append(element("div", "label", words.quoted));
  made.append(laidOut(parts.map((part) => run(part, words, press))));
  return made;
};

const sourceList = (sources, press) => {
  const made = element("div", "sources");
  for (const source of sources) {
    const chip = button("source", "", source.where, () => press(source.citation));
    chip.append(element("span", "number", String(source.number)), element("span", "name", source.where));
    made.append(chip);
  }
  return made;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#answer");
  if (!root || !data) return;
  root.press = (citation) => setTriggerValue("cited", citation);
  if (data.focus && !root.dataset.focused) {
    root.dataset.focused = "yes";
    setTimeout(() => root.scrollIntoView({ block: "center" }), 300);
  }
  const { focus, ...content } = data;
  const shown = JSON.stringify(content);
  if (root.shown === shown) return; // drawn anew, what has the focus would lose it
  root.shown = shown;
  const press = (citation) => root.press(citation);
  const { parts, sources, words } = data;
  const quoted = parts.filter((part) => part.quoted);
  const written = parts.filter((part) => !part.quoted);
  root.className = data.refused ? "refused" : "";
  root.replaceChildren();
  if (quoted.length) root.append(block(quoted, "quoted", words, press));
  if (written.length) root.append(block(written, "written", words, press));
  if (data.streaming) root.lastElementChild?.append(element("span", "caret", "\u258d"));
  if (!data.streaming && written.some((part) => part.kind === "unsupported")) {
    root.append(element("div", "note", `~ ${words.unsupported}`));
  }
  if (sources.length) root.append(sourceList(sources, press));
}
