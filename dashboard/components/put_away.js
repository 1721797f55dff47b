// On a phone the sidebar lies over the page: it is put away once a conversation was chosen in it, as by its own button.

const NARROW = "(max-width: 768px)"; // where Streamlit lays it over the page
const CHOICE = /\bst-key-(talk-\d+|new-talk)\b/;

const chosen = (event) => {
  if (!matchMedia(NARROW).matches) return;
  const holder = event.target.closest?.("[data-testid=stSidebar] [class*=st-key-]:has(button)");
  if (!event.target.closest?.("button") || !CHOICE.test(holder?.className ?? "")) return;
  setTimeout(() => document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click());
};

export default function () {
  document.addEventListener("click", chosen, true);
  return () => document.removeEventListener("click", chosen, true);
}
