// Bundles the report into one HTML file that needs nothing but a browser, and the viewer into three files that a server sends.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const here = new URL(".", import.meta.url);
const assets = new URL("../crates/cratylus/assets/", here);
const slot = '{"placeholder":true}';

async function bundle(entry, format = "iife") {
  const result = await build({
    entryPoints: [entry],
    absWorkingDir: here.pathname,
    bundle: true,
    minify: true,
    format,
    target: "es2020",
    // ASCII output means that the digest cannot depend on how the page is decoded.
    charset: "ascii",
    legalComments: "none",
    write: false,
  });
  return result.outputFiles[0].text.trim();
}

async function write(name, content) {
  await writeFile(new URL(name, assets), content);
  console.log(`${name}: ${(Buffer.byteLength(content) / 1024).toFixed(1)} KiB`);
}

const [template, script, style, viewPage, viewScript, viewStyle, theme] = await Promise.all([
  readFile(new URL("src/report.html", here), "utf8"),
  bundle("src/main.ts"),
  bundle("src/style.css"),
  readFile(new URL("src/view.html", here), "utf8"),
  bundle("src/view/main.ts"),
  bundle("src/view/view.css"),
  bundle("src/theme.ts", "esm"),
]);

// The policy names the script by its digest, so no other script can run, whatever the data hold.
const digest = createHash("sha256").update(script).digest("base64");
const parts = { "@digest@": digest, "@script@": script, "@style@": style, "@data@": slot };
const page = template.replace(/@(?:digest|script|style|data)@/g, (mark) => parts[mark]);

if (page.split(slot).length !== 2) throw new Error(`${slot} must occur exactly once`);
if (/<\/script/i.test(script) || /<\/style/i.test(style)) throw new Error("a bundle would close its own element");

// The policy of the viewer forbids styles in the page, so its colours come with the style sheet.
const { themeCss } = await import(`data:text/javascript,${encodeURIComponent(theme)}`);

await mkdir(assets, { recursive: true });
await write("report.html", page);
await write("view.html", viewPage);
await write("view.js", viewScript);
await write("view.css", themeCss + viewStyle);
