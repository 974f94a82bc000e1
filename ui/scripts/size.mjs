// Adds up what the start page loads before anything is pressed, compressed, and fails above the limit.
import { readFileSync, existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const LIMIT_BYTES = 250_000;
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));

const files = new Set(["index.html"]);
const seen = new Set();
function add(key) {
  if (seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const name of [...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(name);
  for (const name of chunk.imports ?? []) add(name);
}
add("index.html");
const size = (file) => {
  const packed = join(dist, `${file}.gz`);
  return statSync(existsSync(packed) ? packed : join(dist, file)).size;
};
let all = 0;
for (const file of files) {
  all += size(file);
  console.log(`${String(size(file)).padStart(8)}  ${file}`);
}
console.log(`${String(all).padStart(8)}  start page, compressed; at most ${LIMIT_BYTES}`);
if (all > LIMIT_BYTES) process.exit(1);
