// Builds `case.min.js`, `case.css` and `licences.txt` into the folder that is named, or beside this file.
// The same sources and the same `package-lock.json` give the same bytes.

import { build } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? here;
const settings = {
  absWorkingDir: here,
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  minify: true,
  target: ["chrome109", "firefox115", "safari16"],
  write: false,
};

const script = await build({ ...settings, entryPoints: ["src/main.js"], format: "iife" });
const style = await build({ ...settings, entryPoints: ["src/style.css"] });

/** The licences of all packages that went into the script, by name. */
async function licences() {
  const inputs = Object.keys(script.metafile.inputs).map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  const texts = [];
  for (const name of [...new Set(inputs.filter(Boolean))].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
    if (!file) throw new Error(`${name} has no licence text`);
    texts.push(`${name} ${version} (${license})\n\n${(await readFile(join(folder, file), "utf8")).replace(/\r/g, "").trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(72)}\n\n`);
}

const notices = await licences();
if (/\*\/|<\/|<!--|https?:/.test(notices)) throw new Error("a licence text would end the comment, or names an address");
// The licences ask that their texts go with every copy: so they go with every page.
const code = `/*\nWhat is bundled here, and under which licences:\n\n${notices}*/\n${script.outputFiles[0].text}`;
const css = style.outputFiles[0].text;
for (const [name, text] of [["case.min.js", code], ["case.css", css], ["licences.txt", notices]]) {
  if (/<\/(script|style)|<!--|\r/i.test(text)) throw new Error(`${name} would end its element`);
  await writeFile(join(out, name), text);
}
console.log(`case.min.js ${Buffer.byteLength(code)} bytes, case.css ${Buffer.byteLength(css)} bytes`);
