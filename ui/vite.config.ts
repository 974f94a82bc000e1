import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` asks a running service: CTS_URL says where, else the address that `cargo xtask dev` has.
const service = process.env["CTS_URL"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/health", "/metrics", "/openapi.json", "/docs", "/config"].map((path) => [path, { target: service }]),
    ),
  },
  build: {
    target: "es2022",
    manifest: true,
    // The licences of what is built in go along with it.
    license: { fileName: "assets/licences.txt" },
    // An asset of its own for each: a policy without inline scripts also has no data addresses for them.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
  },
});
