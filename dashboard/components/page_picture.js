// Shows one page's picture with a rectangle over each marked line, scrolled to where the current ones can be seen.
// A rectangle holds its words, so that they can be read aloud and copied; they go through textContent.

const percent = (share) => `${(100 * share).toFixed(3)}%`;

export default function ({ data, parentElement }) {
  const frame = parentElement.querySelector("#frame");
  if (!frame || !data) return;
  const sheet = frame.querySelector("#sheet");
  const picture = frame.querySelector("#picture");
  sheet.style.aspectRatio = `${data.width} / ${data.height}`; // the height is known before the picture is there
  picture.alt = data.name;
  if (picture.src !== data.source) picture.src = data.source;
  const shown = JSON.stringify([data.name, data.lines]);
  if (frame.dataset.shown === shown) return;
  frame.dataset.shown = shown;
  sheet.querySelectorAll("mark").forEach((mark) => mark.remove());
  for (const [left, top, right, bottom, words, kind] of data.lines) {
    const mark = document.createElement("mark");
    mark.className = kind;
    mark.textContent = words;
    mark.style.left = percent(left);
    mark.style.top = percent(top);
    mark.style.width = percent(right - left);
    mark.style.height = percent(bottom - top);
    sheet.append(mark);
  }
  const first = sheet.querySelector("mark.current");
  frame.scrollTop = first ? Math.max(0, first.offsetTop - frame.clientHeight / 3) : 0;
}
