"use strict";
(() => {
  const word = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const box = document.getElementById("search");
  if (!box) return;
  const field = document.getElementById("search-words");
  const status = document.getElementById("search-status");
  const kind = document.getElementById("search-kind");
  box.hidden = false;
  box.addEventListener("submit", (event) => event.preventDefault());

  const data = document.getElementById("search-index");
  const found = document.getElementById("search-found");
  const most = 50;
  const index = data ? JSON.parse(data.textContent) : [];
  for (const one of index) one.all = `${one.kind} ${one.title} ${one.text}`.toLowerCase();

  const entry = (one) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = one.link;
    link.textContent = one.title;
    item.append(`${one.kind} `, link);
    if (one.text) item.append(document.createElement("br"), one.text);
    return item;
  };

  const lookUp = () => {
    const words = word(field.value);
    const hits = words.length ? index.filter((one) => words.every((each) => one.all.includes(each))) : [];
    found.replaceChildren(...hits.slice(0, most).map(entry));
    const shown = hits.length > most ? `; the first ${most} are shown` : "";
    status.textContent = words.length ? `${hits.length || "Nothing"} found${shown}.` : "";
  };

  const items = [...document.querySelectorAll("#events > li")];
  const texts = items.map((item) => item.textContent.toLowerCase());
  const sift = () => {
    const words = word(field.value);
    let left = 0;
    items.forEach((item, place) => {
      const fits = (!kind.value || item.dataset.kind === kind.value) && words.every((each) => texts[place].includes(each));
      item.hidden = !fits;
      left += fits ? 1 : 0;
    });
    status.textContent = words.length || kind.value ? `${left} of ${items.length} entries are shown.` : "";
  };
  const show = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      field.value = kind.value = "";
      sift();
      target.scrollIntoView();
    }
  };

  const work = data ? lookUp : sift;
  field.addEventListener("input", work);
  if (kind) {
    kind.addEventListener("change", work);
    addEventListener("hashchange", show);
  }
  if (field.value) work();
})();
