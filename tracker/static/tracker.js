/* What HTML cannot do by itself. Every page works without this file. Times are spelled as in web/words.py. */
(() => {
  "use strict";
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const on = (type, act, options) => document.addEventListener(type, act, options);
  const root = document.documentElement;
  const say = (text) => { const live = document.getElementById("said"); if (live) live.textContent = text; };

  /* --- times tick --- */
  const pad = (n) => String(n).padStart(2, "0");
  const relative = (at) => {
    const s = (Date.now() - at) / 1000, size = Math.abs(s);
    if (size < 45) return s >= 0 ? "just now" : "in a moment";
    const text = size < 3570 ? `${Math.max(1, Math.round(size / 60))} min`
      : size < 172800 ? `${Math.round(size / 3600)} h`
      : size < 1209600 ? `${Math.round(size / 86400)} days` : "";
    return text && (s > 0 ? `${text} ago` : `in ${text}`);
  };
  const clock = (at) => {
    const s = Math.max(0, Math.floor((Date.now() - at) / 1000)), days = Math.floor(s / 86400);
    return `${days ? `${days} d ` : ""}${pad(Math.floor(s % 86400 / 3600))}:${pad(Math.floor(s % 3600 / 60))}:${pad(s % 60)}`;
  };
  const tick = () => all("time[data-relative], time[data-clock]").forEach((time) => {
    const at = Date.parse(time.dateTime), text = "clock" in time.dataset ? clock(at) : relative(at);
    if (text && time.textContent !== text) time.textContent = text;
  });
  setInterval(() => document.hidden || tick(), 1000);

  /* --- the live dot and live fragments --- */
  const dot = document.getElementById("dot");
  const show = (state, text) => {
    if (!dot || dot.dataset.state === state) return;
    dot.dataset.state = state;
    dot.querySelector(".word").textContent = text;
  };
  let lastGood = new Date(), failing = 0;
  const asOf = () => `${pad(lastGood.getHours())}:${pad(lastGood.getMinutes())}`;
  const isPoll = (event) => event.target.closest?.("[data-live]") === event.target;
  const living = () => document.querySelector("[data-live]");
  const good = () => {
    failing = 0; lastGood = new Date();
    living() ? show("live", "Live") : show("still", `As of ${asOf()}`);
  };
  const bad = () => {
    failing = failing || Date.now();
    Date.now() - failing > 15000 ? show("stale", `Stale · as of ${asOf()}`) : show("reconnecting", "Reconnecting…");
  };
  const touched = (field) => ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  const busy = (part) => all("input:not([type=hidden]), textarea", part).some(touched) || part.matches(":has(:popover-open, dialog[open], .menu[open])") ||
    (part.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), select, textarea")) ||
    (!getSelection().isCollapsed && part.contains(getSelection().anchorNode));
  let opened = [];
  on("htmx:beforeRequest", (event) => { if (isPoll(event) && document.hidden) event.preventDefault(); });
  on("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (isPoll(event) && xhr.status === 200 && busy(target)) { event.detail.shouldSwap = false; return; }
    opened = all("details[open][id]", target).map((details) => details.id);
  });
  on("htmx:afterSwap", () => {
    opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    tick();
  });
  on("htmx:afterRequest", (event) => {
    if (isPoll(event)) event.detail.xhr.status > 0 && event.detail.xhr.status < 400 ? good() : bad();
  });
  on("htmx:afterSettle", () => failing || good());
  on("htmx:responseError", (event) => {
    const text = event.detail.xhr.responseText;
    if (!isPoll(event) && text.startsWith("<div class=\"toast")) toasts()?.insertAdjacentHTML("beforeend", text);
  });
  if (living()) show("live", "Live");
  on("visibilitychange", () => document.hidden || tick());

  /* --- keys: / search, j k rows, x select --- */
  const typing = (at) => at.isContentEditable || at.matches("input:not([type=checkbox], [type=radio]), select, textarea");
  const step = (by) => {
    const links = all(".row-link").filter((link) => link.offsetParent);
    const here = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
    const next = links[Math.min(links.length - 1, Math.max(0, here + by))];
    next?.focus(); next?.scrollIntoView({ block: "nearest" });
  };
  on("keydown", (event) => {
    if (event.key === "Escape") all(".menu[open], .more[open]").forEach((menu) => {
      if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
      menu.open = false;
    });
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog:modal")) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("q")?.select(); document.getElementById("q")?.focus(); }
    if (event.key === "j") step(1);
    if (event.key === "k") step(-1);
    if (event.key === "x") document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click();
  });

  /* --- clicks: copy, dialogs, menus, toasts, disabled actions, the look --- */
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
  };
  on("click", (event) => {
    const at = (what) => event.target.closest(what);
    all(".menu[open], .more[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
    if (at("[aria-disabled=true]")) return event.preventDefault();
    const button = at("[data-copy]");
    if (button) {
      copy(button.dataset.copy).then(() => {
        button.classList.add("copied"); say("Copied");
        setTimeout(() => button.classList.remove("copied"), 1500);
      });
    }
    const opener = at("[data-dialog]"), dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog) { event.preventDefault(); dialog.open && dialog.close(); dialog.showModal(); }
    if (at("[data-close]")?.closest("dialog:modal")) { event.preventDefault(); at("dialog").close(); }
    at("[data-dismiss]")?.closest(".toast").remove();
    const look = at("button[data-look]");
    if (look) {
      event.preventDefault();
      const name = look.name, value = look.value;
      root.dataset[name] = value;
      document.cookie = `${name}=${value};path=/;max-age=31536000;samesite=lax`;
      all(`button[data-look][name=${name}]`).forEach((each) => each.setAttribute("aria-pressed", each.value === value));
    }
  });
  const toasts = () => document.querySelector(".toasts");
  setTimeout(() => all(".toast.good").forEach((toast) => toast.matches(":hover, :focus-within") || toast.remove()), 9000);

  /* --- a typed name arms a dangerous button --- */
  on("input", (event) => {
    const wanted = event.target.dataset?.mustEqual;
    if (wanted !== undefined) event.target.form.querySelector(".danger").setAttribute("aria-disabled", event.target.value.trim() !== wanted);
  });
  all("[data-must-equal]").forEach((input) => input.dispatchEvent(new Event("input", { bubbles: true })));
})();
