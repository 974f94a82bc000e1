// Sends a file in pieces. A piece that is cut off is sent again from where the service says that it has come to, also
// after the page was loaded anew.
import { ApiError, ask, askJson } from "../../api/client";
import type { Upload } from "../../api/types";

const PIECE_BYTES = 4 * 1024 * 1024;
/** Larger files have their sum left out: a browser can only compute it with the whole file in memory. */
const SUM_BYTES_MAX = 128 * 1024 * 1024;
const TRIES_MAX = 8;
const PAUSE_MS = 700;

export interface Sending {
  file: File;
  signal: AbortSignal;
  onProgress: (bytes: number) => void;
}

const keyOf = (file: File) => `cts-upload:${file.name}:${file.size}:${file.lastModified}`;

/** Sends a file and returns the upload that can be an input. */
export async function send({ file, signal, onProgress }: Sending): Promise<Upload> {
  let upload = (await earlier(file)) ?? (await declare(file));
  let tries = 0;
  while (upload.offset < upload.size || upload.size === 0) {
    signal.throwIfAborted();
    onProgress(upload.offset);
    try {
      const piece = file.slice(upload.offset, Math.min(upload.offset + PIECE_BYTES, file.size));
      await ask(address(upload), {
        method: "PUT",
        body: piece,
        headers: { "Content-Type": "application/octet-stream", "Upload-Offset": String(upload.offset) },
        signal,
      });
      upload.offset += piece.size;
      tries = 0;
      if (upload.size === 0) break;
    } catch (error) {
      signal.throwIfAborted();
      tries += 1;
      const isPassing = error instanceof ApiError && (error.isOffline || error.status >= 500 || error.status === 409);
      if (!isPassing || tries >= TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
      upload = (await askJson<Upload>(address(upload), { signal }).catch(() => null)) ?? upload;
    }
  }
  onProgress(file.size);
  const done = await askJson<Upload>(`${address(upload)}/finalize`, { method: "POST", body: {}, signal });
  localStorage.removeItem(keyOf(file));
  return done;
}

const address = (upload: Upload) => `/v1/uploads/${upload.upload_id}`;

/** Returns what is left of an upload of the same file that was broken off. */
async function earlier(file: File): Promise<Upload | null> {
  const id = localStorage.getItem(keyOf(file));
  if (id === null) return null;
  try {
    const upload = await askJson<Upload>(`/v1/uploads/${id}`);
    if (upload.status === "pending" && upload.size === file.size) return upload;
  } catch {
    // It was removed meanwhile.
  }
  localStorage.removeItem(keyOf(file));
  return null;
}

async function declare(file: File): Promise<Upload> {
  const body = { filename: file.name, size: file.size, sha256: await sum(file) };
  const upload = await askJson<Upload>("/v1/uploads", { method: "POST", body });
  localStorage.setItem(keyOf(file), upload.upload_id);
  return upload;
}

/** The sum of a file in hex; null where the browser cannot compute it. */
async function sum(file: File): Promise<string | null> {
  if (file.size > SUM_BYTES_MAX || globalThis.crypto.subtle === undefined) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
