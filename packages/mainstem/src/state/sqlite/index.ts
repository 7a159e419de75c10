export { openSqliteState, type SqliteStateOptions } from "./store.ts";
export { inspectSqliteState, type StateInspection } from "./inspect.ts";
