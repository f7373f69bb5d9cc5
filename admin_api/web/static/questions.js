// A dialog asks before what cannot be undone. Read before the page is drawn, so that no button of it
// can act without its question.
"use strict";

document.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  ask(event.detail.question, () => event.detail.issueRequest(true));
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.question;
  if (!question || event.target.dataset.agreed) return;
  event.preventDefault();
  ask(question, () => {
    event.target.dataset.agreed = "yes";
    event.target.requestSubmit(event.submitter);
  });
});

function ask(question, then) {
  const dialog = document.getElementById("confirm");
  dialog.querySelector("#confirm-question").textContent = question;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && then(), { once: true });
  dialog.showModal();
}
