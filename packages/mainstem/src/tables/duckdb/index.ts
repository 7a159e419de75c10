export { inspectLoading } from "./inspect-loading.ts";
export { openDuckdbQueryEngine, type DuckdbQueryEngineOptions } from "./query-engine.ts";
export { openDuckdbTableEngine, type DuckdbTableEngineOptions } from "./table-engine.ts";
