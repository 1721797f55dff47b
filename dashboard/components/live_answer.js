// An answer while it is being written: follows the server's event stream and shows what arrives as text and tables.
// When the stream cannot be had, what the page's slower reruns bring (`data.text`) is shown instead.
// Sends `finished` once, when the answer is complete.

const streams = new WeakMap();

const draw = (root, stream, data) => {
  const text = stream.text.length >= data.text.length ? stream.text : data.text;
  root.querySelector("#words").replaceChildren(laidOut([plain(text)]));
  root.querySelector("#waiting").textContent = text ? "" : data.waiting;
  root.querySelector("#caret").textContent = text ? "\u258d" : "";
};

const listen = (root, url, redraw, finished) => {
  const stream = { url, text: "", source: new EventSource(url) };
  stream.source.onmessage = (event) => {
    stream.text += JSON.parse(event.data);
    redraw(stream);
  };
  stream.source.addEventListener("end", () => {
    stream.source.close();
    finished();
  });
  // A lost connection is opened again by the browser, and the server tells the answer from its beginning.
  stream.source.onerror = () => {
    stream.text = "";
  };
  return stream;
};

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector("#live");
  if (!root || !data) return;
  let stream = streams.get(root);
  if (!stream || stream.url !== data.url) {
    stream?.source.close();
    stream = listen(root, data.url, (now) => draw(root, now, root.data), () => setTriggerValue("finished", true));
    streams.set(root, stream);
  }
  root.data = data;
  draw(root, stream, data);
  return () => {
    stream.source.close();
    streams.delete(root);
  };
}
