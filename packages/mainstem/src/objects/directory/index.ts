export { openDirectoryStore, type DirectoryStoreOptions } from "./store.ts";
