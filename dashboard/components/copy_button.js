// A button that copies a text, or this page's address with another query; says so for a moment. The text is never shown, so never parsed.

// Browsers give pages the clipboard over https and on this machine only; elsewhere a hidden field is copied from.
const copied = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  (document.querySelector("[role=dialog]") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("the browser does not allow copying");
};

export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("#copy");
  if (!button || !data) return;
  button.textContent = data.label;
  button.onclick = async () => {
    try {
      await copied(data.query ? new URL(data.query, window.location.href).href : data.text);
      button.textContent = data.done;
    } catch (error) {
      button.textContent = String(error.message);
    }
    setTimeout(() => {
      button.textContent = data.label;
    }, 2000);
  };
}
