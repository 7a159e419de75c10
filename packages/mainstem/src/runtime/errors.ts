import { CodedError, contractCodes } from "@mainstem/contract";
import { unreachable } from "./assert.ts";
import { errnoOf } from "./files.ts";

/** What a task does when it meets a code. */
export type TaskAction = "retry" | "inbox" | "stop" | "bug";

interface CodeFacts {
  /** The status of the HTTP problem. */
  readonly status: number;
  /** What a supervised task does about it. */
  readonly task: TaskAction;
  /** What a person does about it. */
  readonly remedy: string;
}

const contractStatus = {
  "contract.invalid": 400,
  "contract.unsupported": 400,
  "contract.incompatible": 409,
  "avro.schema": 400,
  "avro.malformed": 400,
} as const;

/** Every error code of the platform, once: problem responses, task decisions and the reference page are made from this list. */
export const codes = {
  "runtime.bug": { status: 500, task: "bug", remedy: "This is a fault of Mainstem: please report it with the log lines around it." },
  "resource.closed": { status: 503, task: "stop", remedy: "The resource was closed already; open it again." },
  "config.invalid": { status: 400, task: "stop", remedy: "Mend the configuration at the places that the message names." },
  "platform.notWritable": {
    status: 503,
    task: "stop",
    remedy:
      "Mount the file system for writing, give the folder to the user that runs Mainstem, or name another one (--data-dir, or log, objects and state in the configuration).",
  },
  "disk.failed": {
    status: 503,
    task: "retry",
    remedy:
      "The operating system refused what the message names: mount the file system for writing, free space, or mend permissions. What was acknowledged is safe.",
  },
  "worker.failed": { status: 500, task: "retry", remedy: "A worker thread ended unexpectedly; see its last log lines. It is started again on the next use." },

  "log.locked": { status: 503, task: "stop", remedy: "Stop the other process, or give this one its own data directory." },
  "log.corrupt": { status: 500, task: "stop", remedy: "Restore the named file from a copy: bytes that were durable have changed. Nothing was cut." },
  "log.topicUnknown": { status: 404, task: "stop", remedy: "Apply the dataset first, or check the name." },
  "log.topicReplaced": { status: 409, task: "retry", remedy: "The topic was deleted and made again; look its id up again." },
  "log.topicConflict": { status: 409, task: "stop", remedy: "The topic exists with other settings; change the settings or choose another name." },
  "log.offsetOutOfRange": { status: 416, task: "stop", remedy: "Read from an offset within the bounds that the message gives." },
  "log.batchTooLarge": { status: 413, task: "stop", remedy: "Send smaller batches." },
  "log.full": { status: 503, task: "retry", remedy: "Free disk space, raise the limit, or mend the task that retention waits for." },
  "log.writeFailed": {
    status: 503,
    task: "retry",
    remedy: "The disk refused a write; see the cause, mend it, and start again. What was acknowledged is safe.",
  },
  "log.readFailed": { status: 503, task: "retry", remedy: "The disk refused a read; see the cause and mend it." },
  "log.invalid": { status: 400, task: "bug", remedy: "Mend the name, setting or batch that the message names." },
  "log.newer": { status: 500, task: "stop", remedy: "The log was written by a newer version of Mainstem; run that version or a later one." },

  "objects.keyInvalid": { status: 400, task: "bug", remedy: "Object keys are relative paths without empty, '.' or '..' parts." },
  "objects.notFound": { status: 404, task: "stop", remedy: "The object is gone: see what deleted it; restore it from a copy." },
  "objects.failed": { status: 503, task: "retry", remedy: "The object store refused the operation; see the cause." },

  "state.corrupt": { status: 500, task: "stop", remedy: "Restore the state from a copy, or let it be made anew from the definitions among the objects." },
  "state.failed": { status: 503, task: "retry", remedy: "The state store refused the operation; see the cause." },
  "state.newer": { status: 500, task: "stop", remedy: "The state was written by a newer version of Mainstem; run that version or a later one." },

  "registry.newer": {
    status: 500,
    task: "stop",
    remedy: "The definitions were written by a newer version of Mainstem; run that version or a later one.",
  },
  "registry.datasetUnknown": { status: 404, task: "stop", remedy: "Apply the dataset first, or check the name." },
  "registry.kindUnknown": { status: 404, task: "stop", remedy: "Use a kind that the message lists." },
  "registry.nameMismatch": { status: 400, task: "stop", remedy: "Give the same name in the path and in the definition." },
  "registry.nameTaken": { status: 409, task: "stop", remedy: "Choose a name that differs from all others in more than case; queries do not tell case apart." },
  "registry.conflict": { status: 409, task: "retry", remedy: "Somebody else changed the definition at the same time; look at theirs and apply again." },
  "registry.closeRefused": { status: 409, task: "stop", remedy: "Do what the message names first; nothing was changed." },
  "registry.predecessorInvalid": {
    status: 409,
    task: "stop",
    remedy: "Name a dataset that there is and that has no successor yet, or leave the predecessor out.",
  },
  "registry.rebuildNeeded": {
    status: 409,
    task: "stop",
    remedy: "Apply it with --rebuild (rebuild=true), then build the table again with `mainstem rebuild NAME` and swap it in.",
  },
  "registry.diverged": {
    status: 500,
    task: "stop",
    remedy: "State, objects and log do not belong together: one of them was restored from another time or place. Restore those that fit.",
  },

  "registry.subjectUnknown": { status: 404, task: "stop", remedy: "Register a schema under the subject first, or check the name." },
  "registry.subjectInvalid": { status: 422, task: "stop", remedy: "Choose a name that the message allows." },
  "registry.subjectDeleted": { status: 404, task: "stop", remedy: "It is deleted already; delete it for good with permanent=true." },
  "registry.subjectNotDeleted": { status: 404, task: "stop", remedy: "Delete it without permanent=true first." },
  "registry.versionUnknown": { status: 404, task: "stop", remedy: "List the versions of the subject and choose one of them." },
  "registry.versionInvalid": { status: 422, task: "stop", remedy: "Name a version by its number, or as latest." },
  "registry.versionDeleted": { status: 404, task: "stop", remedy: "It is deleted already; delete it for good with permanent=true." },
  "registry.versionNotDeleted": { status: 404, task: "stop", remedy: "Delete it without permanent=true first." },
  "registry.schemaUnknown": { status: 404, task: "stop", remedy: "Check the id, or register the schema first." },
  "registry.schemaInvalid": { status: 422, task: "stop", remedy: "Mend the schema at the place that the message names." },
  "registry.idMismatch": { status: 422, task: "stop", remedy: "Leave the id out, or give the one that the message names: a schema's id never changes." },
  "registry.incompatible": { status: 409, task: "stop", remedy: "Mend the schema as the message says, or register it under a new subject." },
  "registry.levelInvalid": { status: 422, task: "stop", remedy: "Choose one of the levels that the message lists." },
  "registry.levelUnset": { status: 404, task: "stop", remedy: "Ask with defaultToGlobal=true for the level that holds." },
  "registry.modeInvalid": { status: 422, task: "stop", remedy: "Choose one of the modes that the message lists." },
  "registry.modeUnset": { status: 404, task: "stop", remedy: "Ask with defaultToGlobal=true for the mode that holds." },
  "registry.notPermitted": {
    status: 422,
    task: "stop",
    remedy: "See the message: the mode of the subject, or the dataset that it belongs to, does not allow this.",
  },
  "registry.referenced": { status: 422, task: "stop", remedy: "Delete the schemas that refer to it first." },

  "ingest.contentType": {
    status: 415,
    task: "stop",
    remedy: "Send application/json (one record or an array) or application/x-ndjson, optionally with Content-Encoding: gzip.",
  },
  "ingest.datasetClosed": {
    status: 409,
    task: "stop",
    remedy: "Send to the dataset that the message names: it continues this one. What waits in this one's inbox can be shown and dropped.",
  },
  "ingest.datasetClosing": { status: 503, task: "retry", remedy: "Send again after the time in Retry-After: by then the dataset is closed, or open." },
  "ingest.notJson": { status: 400, task: "stop", remedy: "Send one JSON object, an array of objects, or NDJSON." },
  "ingest.tooLarge": { status: 413, task: "stop", remedy: "Send less in one request, or NDJSON, which is streamed." },
  "ingest.parameter": { status: 400, task: "stop", remedy: "Mend the named query parameter or header." },
  "ingest.keyReused": { status: 422, task: "stop", remedy: "Use a new Idempotency-Key for another body." },
  "ingest.keyBusy": { status: 409, task: "retry", remedy: "The first request with this Idempotency-Key is still running: repeat it later." },
  "ingest.encoding": { status: 400, task: "stop", remedy: "Send the body as Content-Encoding says, whole and undamaged." },
  "ingest.overloaded": { status: 503, task: "retry", remedy: "Send again after the time in Retry-After." },

  "record.invalid": { status: 422, task: "inbox", remedy: "Mend the record at the paths that are named, or change the contract." },
  "record.notJson": { status: 422, task: "inbox", remedy: "Send one JSON object a line." },
  "record.notUtf8": { status: 422, task: "inbox", remedy: "Send the record as UTF-8." },
  "record.tooDeep": { status: 422, task: "inbox", remedy: "Nest the record less deeply." },
  "record.tooLarge": { status: 422, task: "inbox", remedy: "Make the record smaller: keep large values elsewhere and send their address." },

  "archive.corrupt": { status: 500, task: "stop", remedy: "Restore the named object from a copy: its bytes are not those that its chain entry vouches for." },
  "archive.newer": {
    status: 500,
    task: "stop",
    remedy: "The archive was written by a newer version of Mainstem; run that version or a later one. Nothing was written.",
  },
  "archive.logBehind": {
    status: 503,
    task: "stop",
    remedy:
      "The log ends before its archive does: put back the copy of the log that belongs to the archive, and start again. Until then the door takes nothing.",
  },
  "archive.logDiverged": {
    status: 503,
    task: "stop",
    remedy: "Put back the copy of the log that belongs to the archive, and start again. Until then the door takes nothing.",
  },
  "archive.replayUnknown": { status: 404, task: "stop", remedy: "List the replays with `mainstem replay NAME --list`." },
  "archive.replayRefused": {
    status: 409,
    task: "stop",
    remedy: "Do what the message names; a replay into the live topic follows a finished one into a shadow topic.",
  },
  "archive.scratch": { status: 503, task: "retry", remedy: "Free space in the scratch directory or mend its permissions; see the cause." },
  "archive.gap": { status: 500, task: "stop", remedy: "The chain of the named partition is broken; restore the missing entry from a copy." },

  "inbox.entryUnknown": {
    status: 404,
    task: "stop",
    remedy: "List what waits with `mainstem inbox list NAME`: it may have been retried or dropped meanwhile.",
  },
  "inbox.transformInvalid": { status: 400, task: "stop", remedy: "Mend the expression; its value is the mended record, such as merge(record, {'price': 0})." },
  "inbox.transformFailed": {
    status: 422,
    task: "inbox",
    remedy: "Let the transform handle this record too; in an expression has(record.field) asks whether a field is there.",
  },
  "inbox.left": { status: 422, task: "inbox", remedy: "The transform gave undefined for this entry, which leaves it as it is: nothing has to be done." },
  "inbox.reasonMissing": { status: 400, task: "stop", remedy: "Give a reason: who looks for the records later will find it." },
  "inbox.cut": { status: 422, task: "inbox", remedy: "Send the record again from where it came, or drop the entry." },
  "inbox.unreadable": {
    status: 422,
    task: "inbox",
    remedy: "Nothing can be made of these bytes: send the record again from where it came, or drop the entry.",
  },
  "inbox.corrupt": { status: 500, task: "stop", remedy: "Somebody else wrote to the inbox topic; see docs/formats/inbox.md." },

  "table.corrupt": { status: 500, task: "stop", remedy: "Restore the named metadata or data file from a copy." },
  "table.newer": {
    status: 500,
    task: "stop",
    remedy: "The table was written by a newer version of Mainstem; run that version or a later one. Nothing was written.",
  },
  "table.conflict": { status: 409, task: "retry", remedy: "Another writer committed first; the build starts over from the new snapshot." },
  "table.failed": {
    status: 500,
    task: "retry",
    remedy: "The table engine could not finish: see the cause, and give it more memory or disk if it lacks them. Nothing was committed.",
  },
  "table.valueRange": { status: 400, task: "inbox", remedy: "The record waits in the inbox: send it again with a value that the message allows." },
  "table.unsupported": {
    status: 501,
    task: "stop",
    remedy: "Another program wrote the table in a way that the message names; undo that there, or rebuild the table.",
  },
  "table.rebuildUnknown": { status: 404, task: "stop", remedy: "Start one with `mainstem rebuild NAME` or POST /v1/datasets/{name}/rebuild." },
  "table.rebuildRefused": { status: 409, task: "stop", remedy: "See the message, and `mainstem rebuild NAME` for where the rebuild is; nothing was changed." },
  "table.rebuildNeeded": { status: 409, task: "retry", remedy: "Build the table again with `mainstem rebuild NAME` and swap it in; the builder goes on then." },
  "table.snapshotUnknown": { status: 404, task: "stop", remedy: "List the snapshots and choose one of them." },

  "task.unknown": { status: 404, task: "stop", remedy: "List the tasks with `mainstem status` or GET /v1/tasks, and choose one of them." },
  "task.finished": {
    status: 409,
    task: "stop",
    remedy: "See what it came to (`mainstem rebuild NAME`, `mainstem replay NAME --list`); to do it again, start another.",
  },
  "task.resetRefused": { status: 409, task: "stop", remedy: "Do what the message says instead; nothing was changed." },
  "task.elsewhere": { status: 409, task: "stop", remedy: "Ask the process that runs the task, which the message names." },

  "query.invalid": { status: 400, task: "stop", remedy: "Mend the SQL statement; the message says where." },
  "query.forbidden": { status: 403, task: "stop", remedy: "Only one SELECT statement over datasets is allowed." },
  "query.tooLarge": { status: 413, task: "stop", remedy: "Add a LIMIT, aggregate, or ask for NDJSON (`mainstem query --json`), which is streamed." },
  "query.busy": { status: 503, task: "retry", remedy: "Ask again later, or let fewer queries run at once." },
  "query.timeout": { status: 504, task: "stop", remedy: "Narrow the query by a partition field, or raise the limit." },

  "server.closing": { status: 503, task: "retry", remedy: "Send again after the time in Retry-After, when the server is back." },
  "server.notFound": { status: 404, task: "stop", remedy: "See /openapi.json for the routes." },
  "server.method": { status: 405, task: "stop", remedy: "See /openapi.json for the methods of this route." },
  "server.pageNotBuilt": {
    status: 404,
    task: "stop",
    remedy: "In a clone, run `node tools/setup.mjs` and start Mainstem again; a published package has the page in its folder web.",
  },
  "server.request": { status: 400, task: "stop", remedy: "Mend the request at the places that the message names." },
  "server.contentType": { status: 415, task: "stop", remedy: "Send the body as application/json." },
  "server.tooLarge": { status: 413, task: "stop", remedy: "Send a smaller body." },
  "server.timeout": { status: 408, task: "stop", remedy: "Send the request without long pauses, or in parts." },
  "server.malformed": { status: 400, task: "stop", remedy: "Send well-formed HTTP/1.1." },
  "server.headersTooLarge": { status: 431, task: "stop", remedy: "Send fewer or shorter headers." },
  "server.groupReserved": {
    status: 403,
    task: "stop",
    remedy: "Choose a group name that does not begin with 'mainstem.': those belong to the platform's tasks.",
  },
  "server.hostRefused": { status: 421, task: "stop", remedy: "Call it as localhost or 127.0.0.1, also through a proxy, or give the server a token." },
  "server.listenFailed": { status: 500, task: "stop", remedy: "Check server.host and server.port; the message has the system's reason." },
  "server.portInUse": { status: 500, task: "stop", remedy: "Choose another port with --port or MAINSTEM_SERVER_PORT, or stop the program that uses it." },
  "server.tokenRequired": {
    status: 500,
    task: "stop",
    remedy: "Set server.token (a reference such as env:MAINSTEM_TOKEN) before listening on any address but 127.0.0.1.",
  },
  "server.unreachable": { status: 503, task: "retry", remedy: "Start the server, or check its address and the network between." },
  "server.unauthorized": { status: 401, task: "stop", remedy: "Send the server's token as Authorization: Bearer." },
  ...contractFacts(),
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof codes;

/** The error of every platform room. */
export class MainstemError extends CodedError<Code> {}

/** What a disk says that is full, read-only, broken, or not for this user; or a system that has no more files to give. */
const diskErrnos: readonly (string | undefined)[] = ["EROFS", "ENOSPC", "EDQUOT", "EIO", "EACCES", "EPERM", "EMFILE", "ENFILE"];

/** Status, task action and remedy of any error: those of its code; of a system error that no room gave a code; or those of a bug. */
export function factsOf(error: unknown): CodeFacts & { readonly code: Code } {
  const first = firstOf(error);
  const code = first instanceof CodedError && first.code in codes ? (first.code as Code) : diskErrnos.includes(errnoOf(first)) ? "disk.failed" : "runtime.bug";
  return { code, ...codes[code] };
}

/** What went wrong first, where disposing of things failed after it. */
export function firstOf(error: unknown): unknown {
  return error instanceof SuppressedError ? firstOf(error.suppressed) : error;
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  const first = firstOf(error);
  return first instanceof Error ? first.message : String(first);
}

/** An error as one JSON value: what crosses a thread, a log line or the wire. */
export interface ErrorValue {
  readonly code: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export function toErrorValue(error: unknown): ErrorValue {
  const first = firstOf(error);
  if (first instanceof CodedError) return { code: first.code, message: first.message, facts: first.facts };
  return { code: factsOf(first).code, message: messageOf(first), facts: {} };
}

/** The error that `toErrorValue` described on the other side of a thread. */
export function fromErrorValue(value: ErrorValue): MainstemError {
  return new MainstemError(value.code in codes ? (value.code as Code) : "runtime.bug", value.message, value.facts);
}

/** True for the error of an aborted signal: an ending, not a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

type ContractFacts = { readonly [C in keyof typeof contractCodes]: CodeFacts };
function contractFacts(): ContractFacts {
  const facts = Object.entries(contractCodes).map(([code, remedy]) => {
    const known = code as keyof typeof contractCodes;
    return [known, { status: contractStatus[known], task: taskActionOf(known), remedy }] as const;
  });
  return Object.fromEntries(facts) as ContractFacts;
}

function taskActionOf(code: keyof typeof contractCodes): TaskAction {
  switch (code) {
    case "avro.malformed":
      return "inbox";
    case "contract.invalid":
    case "contract.unsupported":
    case "contract.incompatible":
    case "avro.schema":
      return "stop";
    default:
      return unreachable(code);
  }
}
