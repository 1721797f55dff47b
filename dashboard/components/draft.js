// Keeps what stands in the chat's input in this tab's storage, and puts it back after a refresh.
// The input is Streamlit's own: it is only listened to, and filled as typing would fill it.

const BOX = "[data-testid=stChatInputTextArea]";
let name = "";

const save = (box) => {
  if (box.value) sessionStorage.setItem(name, box.value);
  else sessionStorage.removeItem(name);
};

const fill = (box, text) => {
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
  box.dispatchEvent(new Event("input", { bubbles: true }));
};

const typed = (event) => {
  if (event.target.matches?.(BOX)) save(event.target);
};

// Sending empties the input without an event of its own: whatever sent it, what is left a moment later counts.
const sent = () => {
  const was = name;
  setTimeout(() => {
    if (!document.querySelector(BOX)?.value) sessionStorage.removeItem(was);
  }, 300);
};

export default function ({ data }) {
  if (!data) return;
  const before = name;
  name = data.name;
  const box = document.querySelector(BOX);
  if (before !== name && box && !box.disabled) {
    const kept = sessionStorage.getItem(name) ?? "";
    if (box.value !== kept && (kept || before)) fill(box, kept);
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
