// Fetches this page again and swaps what is live in it; without a script the page is the same, only older.
"use strict";
(() => {
  const EVERY = 15000; // ms between two fetches: one tick of the daemon
  const TYPING = 250; // ms after the last key before a search is asked
  const line = document.getElementById("line");
  const form = document.querySelector("form[role=search]");
  let asked, timer, typed;

  // Screen readers hear what changes here: only changes are written.
  const tell = (text) => { if (line.textContent !== text) line.textContent = text; };

  // What a person has done to the page and would miss: open details, boxes scrolled sideways, the focus.
  function kept(old) {
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const left = [...old.querySelectorAll(".wide")].map((box) => box.scrollLeft);
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const same = active && [...old.querySelectorAll(active.tagName)].indexOf(active);
    const href = active?.getAttribute("href");
    return (fresh) => {
      fresh.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? false; });
      fresh.querySelectorAll(".wide").forEach((box, i) => { box.scrollLeft = left[i] ?? 0; });
      if (!active) return;
      const all = [...fresh.querySelectorAll(active.tagName)];
      const again = href ? all.find((e) => e.getAttribute("href") === href) : all[same];
      again?.focus({ preventScroll: true });
    };
  }

  function swap(text) {
    const page = new DOMParser().parseFromString(text, "text/html");
    const old = document.getElementById("live");
    const fresh = page.getElementById("live");
    const marked = getSelection();
    const reading = !marked.isCollapsed && old.contains(marked.anchorNode);
    if (!fresh || reading || fresh.innerHTML === old.innerHTML) return;
    const keep = kept(old);
    const node = document.adoptNode(fresh);
    old.replaceWith(node);
    document.title = page.title;
    keep(node);
  }

  async function refresh(searched) {
    clearTimeout(timer);
    asked?.abort();
    const mine = (asked = new AbortController());
    const late = setTimeout(() => mine.abort(), EVERY);
    try {
      const answer = await fetch(location.href, { signal: mine.signal, cache: "no-store" });
      const text = await answer.text();
      if (mine !== asked) return;
      swap(text);
      const count = document.getElementById("count");
      tell(searched ? (count?.textContent ?? "No workload fits") : "Live: every 15 s");
    } catch {
      if (mine !== asked) return;
      tell("No answer: figures are old, trying again");
    } finally {
      clearTimeout(late);
      if (mine === asked) timer = setTimeout(refresh, EVERY);
    }
  }

  // The address says what is shown, so that it can be shared and reloaded.
  function search() {
    const asks = [...new FormData(form)].filter(([key, value]) => value && !(key === "sort" && value === "name"));
    const query = new URLSearchParams(asks).toString();
    history.replaceState(null, "", query ? `/?${query}` : "/");
    refresh(true);
  }

  form?.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(search, TYPING); });
  form?.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typed); search(); });
  document.addEventListener("visibilitychange", () => { document.hidden ? clearTimeout(timer) : refresh(); });
  tell("Live: every 15 s");
  timer = setTimeout(refresh, EVERY);
})();
