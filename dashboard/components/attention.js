// Brings the place where it stands into view, or gives the widget of a key the focus; once.

const AGAIN_MS = 100;
const TIMES = 30;

// A widget that has just been asked for is drawn a moment after this.
const focus = (key, times) => {
  const widget = document.querySelector(`.st-key-${CSS.escape(key)} :is(textarea, button)`);
  if (widget) widget.focus();
  else if (times) setTimeout(focus, AGAIN_MS, key, times - 1);
};

export default function ({ data, parentElement }) {
  const here = parentElement.querySelector("#here");
  if (!here || !data || here.done) return;
  here.done = true;
  if (data.focus) focus(data.focus, TIMES);
  else setTimeout(() => here.scrollIntoView({ block: "center" }), 300);
}
