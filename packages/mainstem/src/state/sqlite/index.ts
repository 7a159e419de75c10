export { openSqliteState, type SqliteStateOptions } from "./store.ts";
