// What a person with other eyes, hands or windows meets; a list of faults, empty where there are none.
(() => {
  const faults = [];
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const part = (v) => { const s = v / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.a === 1) return color;
      if (color.a > 0) faults.push(`half transparent: ${e.outerHTML.slice(0, 80)}`);
    }
    return { r: 255, g: 255, b: 255 };
  };
  const contrast = (one, two) => {
    const [low, high] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  let read = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility() || element.closest("noscript, title, desc, .unseen, option")) continue;
    const style = getComputedStyle(element);
    const color = parse(element.closest("svg") ? style.fill : style.color);
    const ratio = contrast(color, behind(element));
    read += 1;
    if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML.slice(0, 120)}`);
  }
  if (read < 50) faults.push(`only ${read} texts were looked at`);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`the page scrolls ${wide} px sideways`);
  const need = (selector, what, fine) => document.querySelectorAll(selector).forEach((e) => {
    if (!fine(e)) faults.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  });
  need("html", "no language", (e) => e.lang === "en");
  need("th", "no scope", (e) => e.scope);
  need("table", "no caption", (e) => e.caption);
  need("input:not([type=hidden]), select", "no label", (e) => e.labels.length === 1 && e.labels[0].textContent.trim());
  need("img", "no alt", (e) => e.hasAttribute("alt"));
  need("svg", "neither a picture with words nor hidden", (e) => e.ariaHidden === "true" || (e.role === "img" && e.ariaLabel && e.querySelector("title")));
  need("nav, ul.banners, ul.notes", "no name", (e) => e.ariaLabel);
  need("a", "a link without words or address", (e) => e.textContent.trim() && e.getAttribute("href"));
  for (const [selector, count] of [["main", 1], ["h1", 1], ["header", 1], ["[aria-live=polite]", document.scripts.length ? 1 : 0]]) {
    const there = document.querySelectorAll(selector).length;
    if (there !== count) faults.push(`${there} of ${selector}, not ${count}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id stands twice");
  return faults;
})()
