// Opens /status in a real Chromium, signs in as somebody without and as somebody with the right to, and tells as JSON
// on stdout what a person sees.
//
//   node status.cjs PACKAGES CHROMIUM URL OUT EMAIL PASSWORD USER_EMAIL USER_PASSWORD
"use strict";
const fs = require("fs");
const path = require("path");

const [packages, executablePath, url, out, email, password, userEmail, userPassword] = process.argv.slice(2);
const { chromium } = require(path.join(packages, "playwright-core"));
const axe = fs.readFileSync(path.join(packages, "axe-core", "axe.min.js"), "utf8");

async function signIn(page, name, word) {
  await page.fill("#email", name);
  await page.fill("#password", word);
  await page.click("#form button");
}

(async () => {
  const told = { console: [], requests: [], violations: [], wide: [] };
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  // Our own scripts of this test need not obey the page's policy; the page's must, and its console says if not.
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1200, height: 900 } });
    const page = await context.newPage();
    page.on("console", (message) => told.console.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => told.console.push(String(error)));
    page.on("request", (request) => told.requests.push(request.url()));
    await page.goto(url + "/status");
    if (colorScheme === "light") {
      await signIn(page, userEmail, userPassword);
      await page.waitForFunction("document.getElementById('said').textContent.includes('administrators and support')");
      told.refused = { hidden: await page.isHidden("#page"), said: await page.textContent("#said") };
      await page.waitForLoadState("networkidle");
      // A refusal is an error in the browser's own words; what comes after must have none.
      told.console = told.console.filter((line) => !line.includes("403"));
    }
    await signIn(page, email, password);
    await page.waitForSelector("#page:not([hidden])");
    told.text = await page.evaluate("document.body.innerText");
    await page.screenshot({ path: path.join(out, `status-${colorScheme}.png`), fullPage: true });
    const { violations } = await page.evaluate(axe + "; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })");
    for (const { id, nodes } of violations) told.violations.push(`${colorScheme}: ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
    await page.setViewportSize({ width: 360, height: 740 });
    if (await page.evaluate("document.documentElement.scrollWidth > 361")) told.wide.push(colorScheme);
    await page.screenshot({ path: path.join(out, `status-${colorScheme}-phone.png`) });
    await page.click("#leave");
    told.left = await page.isVisible("#form") && await page.isHidden("#page");
    await page.waitForLoadState("networkidle");
    await context.close();
  }
  await browser.close();
  console.log(JSON.stringify(told));
})().catch((error) => { console.error(error); process.exit(1); });
