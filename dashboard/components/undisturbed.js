// Tells once that the page may be drawn anew: not while a dialog is open, which that would close with what is typed in it.

const LOOK_MS = 500;

export default function ({ setTriggerValue }) {
  const timer = setInterval(() => {
    if (document.querySelector("[data-testid=stDialog], [role=dialog]")) return;
    clearInterval(timer);
    setTriggerValue("free", true);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
