export type { Acquired, Checkpoint, Definition, Fence, Pointer, StateStore, Swap, Version } from "./state.ts";
