// Shows one page's text with some words marked, scrolled to where they can be seen.
// The text goes through textContent; nothing of it is ever parsed as markup.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#page");
  if (!root || !data) return;
  const shown = JSON.stringify([data.before.length, data.marked, data.after.length]);
  const fresh = root.dataset.shown !== shown;
  root.dataset.shown = shown;
  const mark = document.createElement("mark");
  mark.textContent = data.marked;
  root.replaceChildren(document.createTextNode(data.before));
  if (data.marked) root.append(mark);
  root.append(document.createTextNode(data.after));
  if (fresh) {
    root.scrollTop = data.marked ? Math.max(0, mark.offsetTop - root.clientHeight / 3) : 0;
  }
}
