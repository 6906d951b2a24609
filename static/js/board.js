/* Conveniences only: every page reads and works without this file. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Menus close on Escape, on a click elsewhere and when another opens.
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.open || !menu.matches("details.menu, details.room--more")) return;
    $$("details.menu[open], details.room--more[open]").forEach((other) => { if (other !== menu && !other.contains(menu)) other.open = false; });
  }, true);
  document.addEventListener("click", (event) => {
    $$("details.menu[open], details.room--more[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });

  // Column chooser and density submit at once; their buttons are for those without scripts.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-at-once]");
    if (form) form.requestSubmit();
  });

  // Keyboard.
  const off = () => { try { return localStorage.getItem("keys") === "off"; } catch { return false; } };
  const rows = () => $$("[data-row]");
  let goes = false;
  const pick = (step) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((row) => row.classList.contains("is-picked"));
    const next = all[Math.min(all.length - 1, Math.max(0, now + step))] || all[0];
    all.forEach((row) => row.classList.toggle("is-picked", row === next));
    const link = $("a", next);
    if (link) link.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    const open = $("details.menu[open], details.room--more[open]");
    if (event.key === "Escape" && open) { open.open = false; $("summary", open).focus(); return; }
    if (event.metaKey || event.ctrlKey || event.altKey || off()) return;
    if (event.target.closest("input, select, textarea, dialog, .scroll, .explore, [contenteditable]") && event.key !== "Escape") return;
    if (goes) {
      goes = false;
      const room = $$(".rail > .room")[Number(event.key) - 1];
      if (room) { event.preventDefault(); location.href = room.href; }
      return;
    }
    if (event.key === "g") { goes = true; setTimeout(() => { goes = false; }, 1200); }
    else if (event.key === "j") pick(1);
    else if (event.key === "k") pick(-1);
    else if (event.key === "/" && $("input[type=search]")) { event.preventDefault(); $("input[type=search]").focus(); }
    else if (event.key === "?") { const help = $("#keys"); if (help && !help.open) help.showModal(); }
    else {
      const picked = $(".is-picked [data-key='" + CSS.escape(event.key) + "']") || $("[data-key='" + CSS.escape(event.key) + "']");
      if (picked) { event.preventDefault(); picked.click(); }
    }
  });
  const box = $("#keys-off");
  if (box) {
    box.checked = off();
    box.addEventListener("change", () => { try { localStorage.setItem("keys", box.checked ? "off" : "on"); } catch { /* private mode */ } });
  }
})();
