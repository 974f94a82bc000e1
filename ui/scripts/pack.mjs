// Puts a compressed twin beside every built file, so that the service never compresses one while it is asked.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith(".gz")) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = readFileSync(path);
  const packed = gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION });
  if (packed.length < bytes.length * 0.9) writeFileSync(`${path}.gz`, packed);
}
