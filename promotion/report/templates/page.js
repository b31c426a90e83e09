"use strict";
(() => {
  const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const words = new Intl.RelativeTimeFormat("en");
  const age = (then) => {
    const passed = (Date.now() - then) / 1000;
    const unit = units.find(([name, size]) => Math.abs(passed) >= (name === "minute" ? size : 2 * size));
    return unit ? words.format(-Math.trunc(passed / unit[1]), unit[0]) : "just now";
  };
  const ages = [];
  for (const time of document.querySelectorAll("time[datetime]")) {
    const then = Date.parse(time.dateTime);
    if (Number.isNaN(then)) continue;
    const shown = document.createElement("span");
    shown.className = "ago";
    time.append(shown);
    ages.push([shown, then]);
  }
  const tell = () => {
    for (const [shown, then] of ages) shown.textContent = ` (${age(then)})`;
  };
  tell();
  setInterval(tell, 60000);

  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  document.querySelector("footer").append(status);
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = document.createElement("textarea");
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  };
  for (const place of document.querySelectorAll("[data-copy]")) {
    const text = place.dataset.copy;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "copy";
    button.setAttribute("aria-label", `copy ${text}`);
    button.addEventListener("click", async () => {
      const done = await copy(text);
      button.focus();
      button.textContent = done ? "copied" : "not copied";
      status.textContent = done ? `Copied ${text}` : "The browser did not allow copying.";
      setTimeout(() => { button.textContent = "copy"; }, 2000);
    });
    place.after(" ", button);
  }
})();
