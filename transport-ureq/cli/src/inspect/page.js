
const rows = document.querySelectorAll("article");
document.querySelector("input").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(words);
  }
});
