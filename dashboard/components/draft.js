// Keeps what stands in the chat's input in this tab's storage, and puts it back after a refresh.
// The input is Streamlit's own: it is only listened to, and filled as typing would fill it.

const BOX = "[data-testid=stChatInputTextArea]";
const RETURNED = "triptych-draft-returned";
const AGAIN_MS = 100;
const TIMES = 30;
let name = "";
let owed = null;

const inBox = () => document.querySelector(BOX)?.value ?? "";

const keep = (text) => {
  if (text) sessionStorage.setItem(name, text);
  else sessionStorage.removeItem(name);
};

// Streamlit may draw its input a moment after this, or anew: it is filled until it holds the text for some time.
const fill = (times) => {
  const box = document.querySelector(BOX);
  if (owed === null || times === 0) return;
  if (box && box.value !== owed) {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, owed);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  setTimeout(fill, AGAIN_MS, times - 1);
};

const typed = (event) => {
  if (!event.target.matches?.(BOX) || !event.isTrusted) return;
  owed = null;
  keep(event.target.value);
};

// Sending empties the input without an event of its own: whatever sent it, what is left a moment later counts.
const sent = () => {
  if (!inBox()) return;
  owed = null;
  const was = name;
  setTimeout(() => {
    if (!inBox()) sessionStorage.removeItem(was);
  }, 300);
};

// A conversation that began out of the new one, by a file or an example: what stands in the box goes with it.
const moved = (from) => {
  sessionStorage.removeItem(from);
  keep(inBox());
};

// What could not be asked stands in the box again, once, before what was typed meanwhile.
const returned = ([once, text]) => {
  if (sessionStorage.getItem(RETURNED) === once) return false;
  sessionStorage.setItem(RETURNED, once);
  const now = inBox();
  keep(now && now !== text ? `${text}\n${now}` : text);
  return true;
};

export default function ({ data }) {
  if (!data) return;
  const before = name;
  name = data.name;
  if (before && before !== name && before === data.from) moved(before);
  const back = data.back && returned(data.back);
  const kept = sessionStorage.getItem(name) ?? "";
  if (back || (before !== name && (kept || before))) {
    owed = kept;
    fill(TIMES);
  }
  document.addEventListener("input", typed, true);
  document.addEventListener("keydown", sent, true);
  document.addEventListener("click", sent, true);
  return () => {
    document.removeEventListener("input", typed, true);
    document.removeEventListener("keydown", sent, true);
    document.removeEventListener("click", sent, true);
  };
}
