// Shows the answer while it is written. Without this file the form does the same in one piece.
const form = document.querySelector("form[data-stream]");
const live = document.querySelector("#live");

async function stream(question, fresh) {
  const response = await fetch("/v1/answers", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ question, fresh }),
  });
  if (!response.ok || !response.body) throw new Error(response.status);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the stream ended early");
    buffer += value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const kind = /^event: ?(.*)$/m.exec(event)?.[1];
      const data = JSON.parse(/^data: ?(.*)$/m.exec(event)?.[1] ?? "null");
      if (kind === "delta") live.querySelector(".answer").textContent += data.text;
      if (kind === "answer") return data.id;
      if (kind === "error") throw new Error("refused");
    }
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const question = form.elements.question.value;
  if (!question.trim()) return;
  const button = form.querySelector("button");
  button.disabled = true;
  document.querySelector("#result")?.remove();
  live.querySelector(".answer").textContent = "";
  live.hidden = false;
  try {
    const id = await stream(question, form.elements.fresh?.checked ?? false);
    location.assign("/?answer=" + encodeURIComponent(id) + "#result");
  } catch {
    form.submit(); // the page itself says what is wrong
  }
});
