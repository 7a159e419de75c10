export type { ChainEntry, ChunkMessage, ChunkRef } from "./chunk.ts";
