// Opens pages in a real Chromium and tells, as JSON on stdout, what a person would see.
//
//   node look.cjs PACKAGES CHROMIUM OUT PAGE.html...
//
// PACKAGES is a node_modules folder with playwright-core and axe-core. Per page OUT gets screenshots (light, dark,
// phone) and PDFs (A4, Letter). Told per page: console messages, requests, what overflows, axe violations, pages.
"use strict";
const fs = require("fs");
const path = require("path");

const [packages, executablePath, out, ...pages] = process.argv.slice(2);
const { chromium } = require(path.join(packages, "playwright-core"));
const axe = fs.readFileSync(path.join(packages, "axe-core", "axe.min.js"), "utf8");

const VIEWS = [
  { name: "light", colorScheme: "light", viewport: { width: 1100, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1100, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 360, height: 740 } },
];

// Elements that stick out of the page or whose text is cut off. Regions that scroll are meant to.
function overflowing() {
  const width = document.documentElement.clientWidth;
  const name = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} ${(e.textContent || "").trim().slice(0, 40)}`;
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (element.closest(".scroll") && !element.matches(".scroll")) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if (box.right > width + 1 || box.left < -1) found.push("sticks out: " + name(element));
    const svg = element.closest("svg");
    if (svg && element !== svg) {
      const frame = svg.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
      if (!inside) found.push("leaves its drawing: " + name(element));
    }
  }
  return found;
}

// What falls over the right edge of the paper: tables in regions that scroll on a screen.
function widerThanPaper() {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll("table, figure, svg, dl, h1, h2, h3, p")]
    .filter((element) => element.getClientRects().length && element.getBoundingClientRect().right > width + 1)
    .map((element) => element.tagName + " " + (element.textContent || "").trim().slice(0, 40));
}

// Texts of one drawing that lie on each other.
function overlapping() {
  const found = [];
  for (const svg of document.querySelectorAll("svg")) {
    const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([one, a], n) => {
      for (const [other, b] of texts.slice(n + 1)) {
        const meet = a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3;
        if (meet) found.push(`${one} / ${other}`);
      }
    });
  }
  return found;
}

async function look(browser, file) {
  const stem = path.join(out, path.basename(file, ".html"));
  const told = { console: [], requests: [], overflowing: [], overlapping: [], violations: [], pages: {}, text: "" };
  for (const view of VIEWS) {
    const context = await browser.newContext({ colorScheme: view.colorScheme, viewport: view.viewport, offline: true });
    const page = await context.newPage();
    page.on("console", (message) => told.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => told.console.push(String(error)));
    page.on("request", (request) => { if (!request.url().startsWith("file:")) told.requests.push(request.url()); });
    await page.goto("file://" + path.resolve(file));
    if (view.name === "light") told.text = await page.evaluate("document.body.innerText");
    await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
    told.overflowing.push(...(await page.evaluate(overflowing)).map((what) => `${view.name}: ${what}`));
    told.overlapping.push(...(await page.evaluate(overlapping)).map((what) => `${view.name}: ${what}`));
    await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
    for (const { id, nodes } of violations) told.violations.push(`${view.name}: ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
    await page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = false; })");
    await page.screenshot({ path: `${stem}-${view.name}.png`, fullPage: true });
    if (view.name === "light") {
      for (const [format, width] of [["A4", 210], ["Letter", 215.9]]) {
        // The width between the margins of @page, 14 mm each, at 96 units an inch.
        await page.setViewportSize({ width: Math.floor(((width - 28) / 25.4) * 96), height: 900 });
        await page.emulateMedia({ media: "print" });
        told.overflowing.push(...(await page.evaluate(widerThanPaper)).map((what) => `${format}: ${what}`));
        await page.pdf({ path: `${stem}-${format}.pdf`, format, preferCSSPageSize: false, printBackground: true });
      }
    }
    await context.close();
  }
  for (const format of ["A4", "Letter"]) {
    const pdf = fs.readFileSync(`${stem}-${format}.pdf`, "latin1");
    told.pages[format] = (pdf.match(/\/Type\s*\/Page\b/g) || []).length;
  }
  return told;
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const told = {};
  for (const file of pages) told[path.basename(file, ".html")] = await look(browser, file);
  await browser.close();
  process.stdout.write(JSON.stringify(told));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
