// Shows one page's text with some words marked, scrolled to where the current ones can be seen.
// The text goes through textContent; nothing of it is ever parsed as markup.

const marked = (text, kind) => ({
  text,
  dress: (words) => {
    const mark = document.createElement("mark");
    mark.className = kind;
    mark.textContent = words;
    return mark;
  },
});

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#page");
  if (!root || !data) return;
  const shown = JSON.stringify(data.runs.map(([words, kind]) => [words.length, kind]));
  const fresh = root.dataset.shown !== shown;
  root.dataset.shown = shown;
  root.replaceChildren(laidOut(data.runs.map(([words, kind]) => (kind ? marked(words, kind) : plain(words)))));
  if (!fresh) return;
  const mark = root.querySelector("mark.current");
  const above = mark ? mark.getBoundingClientRect().top - root.getBoundingClientRect().top : 0;
  root.scrollTop = mark ? Math.max(0, root.scrollTop + above - root.clientHeight / 3) : 0;
}
