// A bar of what filled the window: one piece a part, as wide as its share.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector("#meter");
  if (!root || !data) return;
  root.setAttribute("aria-label", data.label);
  root.title = data.label;
  root.replaceChildren(
    ...data.parts.map((part) => {
      const piece = document.createElement("span");
      piece.style.width = `${Math.max(2, (100 * part.tokens) / data.window)}%`;
      piece.style.background = `var(--st-${part.colour}-color)`;
      return piece;
    }),
  );
}
