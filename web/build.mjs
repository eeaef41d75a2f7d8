// Bundles the report into one HTML file that needs nothing but a browser.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const target = new URL("../crates/cratylus/assets/report.html", here);
const slot = '{"placeholder":true}';

async function bundle(entry) {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: new URL(".", here).pathname,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    // ASCII output means that the digest cannot depend on how the page is decoded.
    charset: "ascii",
    legalComments: "none",
    write: false,
  });
  return result.outputFiles[0].text.trim();
}

const [template, script, style] = await Promise.all([
  readFile(new URL("src/report.html", here), "utf8"),
  bundle("src/main.ts"),
  bundle("src/style.css"),
]);

// The policy names the script by its digest, so no other script can run, whatever the data hold.
const digest = createHash("sha256").update(script).digest("base64");
const parts = { "@digest@": digest, "@script@": script, "@style@": style, "@data@": slot };
const page = template.replace(/@(?:digest|script|style|data)@/g, (mark) => parts[mark]);

if (page.split(slot).length !== 2) throw new Error(`${slot} must occur exactly once`);
if (/<\/script/i.test(script) || /<\/style/i.test(style)) throw new Error("a bundle would close its own element");

await mkdir(new URL(".", target), { recursive: true });
await writeFile(target, page);
console.log(`report.html: ${(Buffer.byteLength(page) / 1024).toFixed(1)} KiB`);
