/* Files are dropped, sent one by one and counted. Without this file the form sends them all by itself. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-upload]");
  if (!form || !window.FormData || !window.DataTransfer) return;
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-drop]");
  const names = form.querySelector("[data-names]");
  const box = form.querySelector("[data-progress]");
  const bar = box.querySelector("progress");
  const said = box.querySelector("[role=status]");
  const button = form.querySelector("button");
  zone.classList.add("drop--able");

  const list = () => {
    const files = [...input.files];
    names.replaceChildren(...files.slice(0, 20).map((file) => {
      const line = document.createElement("li");
      line.textContent = file.name;
      return line;
    }));
    if (files.length > 20) {
      const more = document.createElement("li");
      more.textContent = `+ ${files.length - 20}`;
      names.append(more);
    }
  };
  input.addEventListener("change", list);

  let over = 0;
  const mark = (step) => { over = Math.max(0, over + step); zone.classList.toggle("is-over", over > 0); };
  zone.addEventListener("dragenter", (event) => { event.preventDefault(); mark(1); });
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    over = 0;
    mark(0);
    const all = new DataTransfer();
    [...input.files, ...event.dataTransfer.files].forEach((file) => all.items.add(file));
    input.files = all.files;
    list();
  });
  // A file dropped beside the zone would otherwise replace the page.
  ["dragover", "drop"].forEach((name) => document.addEventListener(name, (event) => { if (!zone.contains(event.target)) event.preventDefault(); }));

  const send = (file, batch, onProgress) => new Promise((resolve, reject) => {
    const data = new FormData(form);
    data.delete("file");
    data.append("file", file, file.name);
    if (batch) data.append("batch", batch);
    const call = new XMLHttpRequest();
    call.open("POST", form.getAttribute("action") || location.href);
    call.setRequestHeader("Accept", "application/json");
    call.upload.addEventListener("progress", (event) => onProgress(event.loaded));
    call.addEventListener("load", () => {
      if (call.status !== 200) { reject(new Error(String(call.status))); return; }
      try { resolve(JSON.parse(call.responseText)); } catch (error) { reject(error); }
    });
    call.addEventListener("error", () => reject(new Error("network")));
    call.send(data);
  });

  form.addEventListener("submit", async (event) => {
    const files = [...input.files];
    if (!files.length) return;
    event.preventDefault();
    button.disabled = true;
    box.hidden = false;
    const total = files.reduce((sum, file) => sum + Math.max(file.size, 1), 0);
    let before = 0;
    let batch = "";
    let page = "";
    const failed = [];
    for (const [index, file] of files.entries()) {
      said.textContent = `${form.dataset.sending} ${index + 1}/${files.length}: ${file.name}`;
      try {
        const answer = await send(file, batch, (loaded) => { bar.value = Math.min(1, (before + loaded) / total); });
        batch = answer.batch;
        page = answer.page;
      } catch {
        failed.push(file);
      }
      before += Math.max(file.size, 1);
      bar.value = before / total;
    }
    if (page && !failed.length) { location.href = page; return; }
    said.textContent = `${failed.map((file) => file.name).join(", ")}: ${form.dataset.failed}`;
    const rest = new DataTransfer();
    failed.forEach((file) => rest.items.add(file));
    input.files = rest.files;
    list();
    button.disabled = false;
    if (page) {
      const link = document.createElement("a");
      link.href = page;
      link.textContent = ` → ${files.length - failed.length}`;
      said.append(link);
    }
  });
})();
