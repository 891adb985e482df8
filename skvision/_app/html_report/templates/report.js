"use strict";

// Buttons open dialogs by themselves if the browser knows command and commandfor.
if (!("command" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    if (!button) return;
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  });
}

// The tab key reaches one button of the confusion matrix; the arrow keys move from it to
// the next button in their direction.
const matrix = document.querySelector(".matrix");
const steps = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

function allow(button) {
  for (const other of matrix.querySelectorAll("button[tabindex='0']")) {
    other.tabIndex = -1;
  }
  button.tabIndex = 0;
}

function next(button, [down, across]) {
  let row = button.closest("tr").rowIndex + down;
  let column = button.closest("td").cellIndex + across;
  while (matrix.rows[row]?.cells[column]) {
    const found = matrix.rows[row].cells[column].querySelector("button");
    if (found) return found;
    row += down;
    column += across;
  }
  return null;
}

for (const button of matrix.querySelectorAll("button")) button.tabIndex = -1;
const first = matrix.querySelector("button");
if (first) first.tabIndex = 0;
matrix.addEventListener("focusin", (event) => {
  if (event.target.matches("button")) allow(event.target);
});
matrix.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (!step || !event.target.matches("button")) return;
  event.preventDefault();
  next(event.target, step)?.focus();
});
