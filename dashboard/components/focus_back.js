// Gives the focus back to the button that opened a dialog or a drawer when that is closed: Streamlit leaves it nowhere
// where the button stands inside of a component.

const DIALOG = "[role=dialog]";
const LOOK_MS = 150;
const OPENS_WITHIN = 100;

let watching = 0;

const watch = (button) => {
  clearInterval(watching);
  let left = OPENS_WITHIN;
  let open = false;
  watching = setInterval(() => {
    const there = document.querySelector(DIALOG) !== null;
    open ||= there;
    left -= 1;
    if (there || (!open && left > 0)) return;
    clearInterval(watching);
    if (open && document.activeElement === document.body && button.isConnected) button.focus();
  }, LOOK_MS);
};

const pressed = (event) => {
  const button = event.composedPath().find((node) => node instanceof HTMLButtonElement);
  if (button && !document.querySelector(DIALOG)) watch(button);
};

export default function () {
  document.addEventListener("click", pressed, true);
  return () => document.removeEventListener("click", pressed, true);
}
