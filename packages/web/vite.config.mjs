import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // Beside the server that Vite runs while one works on the page, Mainstem answers for the API.
  server: { proxy: Object.fromEntries(["/v1", "/metrics", "/health", "/openapi.json"].map((path) => [path, "http://127.0.0.1:7070"])) },
  // Everything is a file: the server's content policy lets nothing else in.
  build: { target: "es2022", chunkSizeWarningLimit: 1_000, assetsInlineLimit: 0, reportCompressedSize: false },
});
