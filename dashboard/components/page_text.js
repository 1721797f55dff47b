// Shows one page's text with some words marked, scrolled to where they can be seen.
// The text goes through textContent; nothing of it is ever parsed as markup.

const marked = (text) => ({
  text,
  dress: (words) => {
    const mark = document.createElement("mark");
    mark.textContent = words;
    return mark;
  },
});

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#page");
  if (!root || !data) return;
  const shown = JSON.stringify([data.before.length, data.marked, data.after.length]);
  const fresh = root.dataset.shown !== shown;
  root.dataset.shown = shown;
  root.replaceChildren(laidOut([plain(data.before), marked(data.marked), plain(data.after)]));
  if (!fresh) return;
  const mark = root.querySelector("mark");
  const above = mark ? mark.getBoundingClientRect().top - root.getBoundingClientRect().top : 0;
  root.scrollTop = mark ? Math.max(0, root.scrollTop + above - root.clientHeight / 3) : 0;
}
